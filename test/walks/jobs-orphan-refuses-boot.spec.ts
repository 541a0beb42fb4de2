import { type Given, readCommandLine } from '../../src/cli/command';
import { discardJobs } from '../../src/cli/jobs';
import { DatabaseService } from '../../src/database/database.service';
import { DuplicateJobError, OrphanJobsError, UnknownJobError } from '../../src/jobs/job-error';
import { JobsService } from '../../src/jobs/jobs.service';
import { addTestHandlers } from '../support/job-handlers';
import { type JobWorld, startJobReplica, startJobWorld, startWorker } from '../support/jobs';

const nothing = () => undefined;

/** Work that nobody here can do is not left lying: the process does not start. */
describe('a job without a handler', () => {
  let world: JobWorld;
  const environment = { ...process.env };

  beforeAll(async () => {
    world = await startJobWorld();
  });
  afterAll(async () => {
    await world?.stop();
    process.env = environment;
  });

  it('cannot be enqueued', async () => {
    const { app } = world;
    const job = { name: 'nobody', id: 'nobody:1', payload: {} };
    await expect(app.get(DatabaseService).transaction((tx) => app.get(JobsService).enqueue(tx, job))).rejects.toThrow(
      UnknownJobError,
    );
    expect(await world.jobs()).toEqual({});
  });

  it('refuses the boot of who runs jobs, and says which it is and what to do', async () => {
    for (let n = 1; n <= 3; n++) await world.enqueue(`effect:${n}`);
    const boot = startJobReplica(world, nothing);
    await expect(boot).rejects.toThrow(OrphanJobsError);
    await expect(boot).rejects.toMatchObject({ code: 'orphan_jobs', orphans: [{ name: 'effect', count: 3 }] });
    await expect(boot).rejects.toThrow(
      'There are jobs that nothing here can run: effect (3 unfinished). Run the version that has it until they are ' +
        'done, or give them up: tollbridge jobs discard --name effect',
    );
  });

  it('keeps nobody from starting who runs none, or who knows it', async () => {
    const other = await startJobReplica(world, nothing, { JOBS_IN_PROCESS: 'false' });
    await other.stop();
    const worker = await startWorker(world);
    await world.settled();
    expect(await worker.terminate()).toBe(0);
    const now = await startJobReplica(world, nothing);
    await now.stop();
  });

  it('is not touched by a running process that does not know it: a newer version is on its way', async () => {
    const old = await startJobReplica(world, nothing);
    await world.enqueue('effect:new');
    await world.query(
      `INSERT INTO jobs (id, name, payload, run_at) VALUES ('stripe-fee:x', 'stripe-fee', '{}', now())`,
    );
    await world.query(`SELECT pg_notify('tollbridge_jobs', '')`);
    for (let n = 0; n < 500 && (await world.jobs())['stripe-fee:x']?.state !== 'done'; n++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    const jobs = await world.jobs();
    expect(jobs['stripe-fee:x']?.state).toBe('done');
    expect(jobs['effect:new']).toMatchObject({ state: 'waiting', attempts: 0 });
    await old.stop();
  });

  it('is given up by the operator, and then in nobody’s way', async () => {
    const said = jest.spyOn(process.stdout, 'write').mockImplementation(() => true);
    try {
      await discardJobs.run(readCommandLine('jobs discard', discardJobs, ['--name', 'effect']) as Given);
    } finally {
      said.mockRestore();
    }
    expect((await world.jobs())['effect:new']?.state).toBe('dead');
    const replica = await startJobReplica(world, nothing);
    await replica.stop();
  });

  it('ends a worker at its start with the same sentence', async () => {
    await world.query(`INSERT INTO jobs (id, name, payload, run_at) VALUES ('gone:1', 'gone', '{}', now())`);
    await expect(startWorker(world)).rejects.toThrow(
      'There are jobs that nothing here can run: gone (1 unfinished). Run the version that has it',
    );
    await world.query(`DELETE FROM jobs WHERE id = 'gone:1'`);
  });

  it('is no better than a job with two', async () => {
    const twice = startJobReplica(world, (app) => {
      const [jobs, database] = [app.get(JobsService), app.get(DatabaseService)];
      addTestHandlers(jobs, database);
      addTestHandlers(jobs, database);
    });
    await expect(twice).rejects.toThrow(DuplicateJobError);
    const schedule = { name: 'expire-holds', everySeconds: 1, run: () => Promise.resolve() };
    const taken = startJobReplica(world, (app) => app.get(JobsService).register(schedule));
    await expect(taken).rejects.toThrow('There are two jobs named expire-holds. Rename one of them.');
  });
});
