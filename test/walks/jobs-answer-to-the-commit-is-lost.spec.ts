import { Logger } from '@nestjs/common';
import { DatabaseService } from '../../src/database/database.service';
import { JobStore } from '../../src/jobs/job-store.service';
import { JobsService } from '../../src/jobs/jobs.service';
import { addTestHandlers } from '../support/job-handlers';
import { type JobWorld, startJobReplica, startJobWorld } from '../support/jobs';
import { eventually } from '../support/program';

/** The connection breaks between PostgreSQL's commit and its answer: the job is done, whatever its runner thinks. */
describe('a job whose commit is not answered', () => {
  let world: JobWorld;
  let replica: Awaited<ReturnType<typeof startJobReplica>>;

  beforeAll(async () => {
    world = await startJobWorld();
    replica = await startJobReplica(world, (app) => addTestHandlers(app.get(JobsService), app.get(DatabaseService)));
  });
  afterAll(async () => {
    await replica?.stop();
    await world?.stop();
  });

  it('is done once and alarms nobody', async () => {
    const store = replica.app.get(JobStore, { strict: false });
    const finish = store.finish.bind(store);
    const finished = jest.spyOn(store, 'finish').mockImplementation(async (...job) => {
      await finish(...job);
      throw new Error('Connection terminated unexpectedly');
    });
    const [warned, alarmed] = [jest.spyOn(Logger.prototype, 'warn'), jest.spyOn(Logger.prototype, 'error')];
    await world.enqueue('effect:unanswered');
    await eventually('The end of the attempt', () => (warned.mock.calls.length > 0 ? true : undefined));
    expect(finished).toHaveBeenCalledTimes(1);
    expect(warned.mock.calls.flat().join()).toContain('It is done already');
    expect(alarmed).not.toHaveBeenCalled();
    expect((await world.jobs())['effect:unanswered']).toMatchObject({ state: 'done', attempts: 1, last_error: null });
    expect(await world.effects()).toEqual({ 'effect:unanswered': 1 });
  });
});
