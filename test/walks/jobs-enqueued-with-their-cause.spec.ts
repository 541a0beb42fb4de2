import { DatabaseService } from '../../src/database/database.service';
import { JobsService } from '../../src/jobs/jobs.service';
import { addTestHandlers } from '../support/job-handlers';
import { type JobWorld, startJobReplica, startJobWorld } from '../support/jobs';
import { eventually } from '../support/program';

/** A job exists with the commit of what makes it necessary, is done soon after, and is done once. */
describe('a job in the transaction that makes it necessary', () => {
  let world: JobWorld;
  const replicas: { stop(): Promise<void> }[] = [];

  beforeAll(async () => {
    world = await startJobWorld();
    for (let n = 0; n < 2; n++) {
      replicas.push(
        await startJobReplica(world, (app) => addTestHandlers(app.get(JobsService), app.get(DatabaseService))),
      );
    }
  });
  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await world?.stop();
  });

  const enqueueIn = (work: (enqueue: (id: string) => Promise<void>) => Promise<void>) =>
    world.app
      .get(DatabaseService)
      .transaction((tx) => work((id) => world.app.get(JobsService).enqueue(tx, { name: 'effect', id, payload: {} })));

  it('never was when it is rolled back', async () => {
    const undone = enqueueIn(async (enqueue) => {
      await enqueue('effect:undone');
      throw new Error('changed my mind');
    });
    await expect(undone).rejects.toThrow('changed my mind');
    expect(await world.jobs()).toEqual({});
  });

  it('is not begun before the commit, and soon after it', async () => {
    await enqueueIn(async (enqueue) => {
      await enqueue('effect:1');
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(await world.begun()).toEqual([]);
    });
    await world.settled();
    expect(await world.effects()).toEqual({ 'effect:1': 1 });
  });

  it('is one job under one id, however often and from wherever it is enqueued', async () => {
    await Promise.all(Array.from({ length: 8 }, () => world.enqueue('effect:same')));
    await world.settled();
    await world.enqueue('effect:same');
    await world.settled();
    expect((await world.effects())['effect:same']).toBe(1);
    expect((await world.jobs())['effect:same']?.attempts).toBe(1);
  });

  it('is enqueued again without waiting for whoever finishes it', async () => {
    await world.enqueue('effect:finishing');
    await world.settled();
    await world.app.get(DatabaseService).transaction(async (tx) => {
      // As the end of its attempt, which may go on to wait for what whoever enqueues has locked.
      await tx.query(`UPDATE jobs SET finished_at = clock_timestamp() WHERE id = 'effect:finishing'`);
      await world.app.get(DatabaseService).transaction(async (other) => {
        await other.query(`SET LOCAL lock_timeout = '1s'`);
        await world.app.get(JobsService).enqueue(other, { name: 'effect', id: 'effect:finishing', payload: {} });
      });
    });
    expect((await world.effects())['effect:finishing']).toBe(1);
  });

  it('leaves nothing of an attempt that fails while it is written, and is done by the next', async () => {
    await world.enqueue('effect:breaks', { breaks: [1] });
    await world.settled();
    expect((await world.jobs())['effect:breaks']).toMatchObject({
      state: 'done',
      attempts: 2,
      last_error: 'Error: broken in attempt 1',
    });
    expect(await world.query(`SELECT attempt FROM story.effects WHERE id = 'effect:breaks'`)).toEqual([{ attempt: 2 }]);
  });

  it('is done once when hundreds come at the same time', async () => {
    const ids = Array.from({ length: 300 }, (_, n) => `effect:many:${n}`);
    await enqueueIn(async (enqueue) => {
      for (const id of ids) await enqueue(id);
    });
    await world.settled();
    const effects = await world.effects();
    expect(ids.map((id) => effects[id])).toEqual(ids.map(() => 1));
  });

  it('is found again when the process that listens loses its connections', async () => {
    const mine = `query = 'LISTEN tollbridge_jobs'`;
    const before = await world.query(`SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${mine}`);
    expect(before).toHaveLength(2);
    await world.enqueue('effect:unheard');
    await world.settled();
    await eventually('Both listen again', async () => {
      const after = await world.query(`SELECT pid FROM pg_stat_activity WHERE ${mine}`);
      return after.filter(({ pid }) => before.every((old) => old.pid !== pid)).length === 2 ? true : undefined;
    });
    expect((await world.effects())['effect:unheard']).toBe(1);
  });

  it('is forgotten a week after it was done, and never while it is dead', async () => {
    await world.query(`UPDATE jobs SET finished_at = now() - interval '8 days' WHERE id <> 'effect:1'`);
    await world.query(`UPDATE jobs SET state = 'dead' WHERE id = 'effect:same'`);
    await world.app.get(JobsService).runNow('prune-jobs');
    expect(Object.keys(await world.jobs()).toSorted()).toEqual(['effect:1', 'effect:same']);
  });
});
