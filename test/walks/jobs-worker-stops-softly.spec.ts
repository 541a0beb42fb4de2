import { type JobWorld, startJobWorld, startWorker, type Worker } from '../support/jobs';
import { eventually } from '../support/program';
import { describeWithRedis, type Redis, startRedis } from '../support/redis';

/** On SIGTERM: what runs may finish, what takes too long goes to others at once, nothing new is begun. */
function stopsSoftly(environment: () => Record<string, string>): void {
  let world: JobWorld;
  const workers: Worker[] = [];
  const start = async (env: Record<string, string> = {}) => {
    const worker = await startWorker(world, { ...environment(), ...env });
    workers.push(worker);
    return worker;
  };
  const begun = (id: string) => eventually(id, async () => (await world.begun()).find((row) => row.id === id));

  beforeAll(async () => {
    world = await startJobWorld();
  });
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.kill9()));
    await world?.stop();
  });

  it('a worker finishes what it has begun, and begins nothing', async () => {
    const worker = await start({ JOBS_CONCURRENCY: '1' });
    await world.enqueue('effect:begun', { takesMs: 1500 });
    await begun('effect:begun');
    await world.enqueue('effect:next');
    expect(await worker.terminate()).toBe(0);
    const jobs = await world.jobs();
    expect(jobs['effect:begun']).toMatchObject({ state: 'done', attempts: 1 });
    expect(jobs['effect:next']).toMatchObject({ attempts: 0 });
    expect(await world.effects()).toEqual({ 'effect:begun': 1 });
  });

  it('a worker gives back what outlasts the grace, without waiting for its lease', async () => {
    const worker = await start({ SHUTDOWN_GRACE_MS: '300' });
    await world.enqueue('effect:endless', { hangs: [1] });
    await begun('effect:endless');
    expect(await worker.terminate()).toBe(0);
    expect(worker.output()).toContain('given back unfinished: effect:endless');
    const [job] = await world.query(`SELECT state, run_at <= now() AS due FROM jobs WHERE id = 'effect:endless'`);
    expect(job).toEqual({ state: 'waiting', due: true });
    await start();
    await world.settled();
    expect(await world.effects()).toEqual({ 'effect:begun': 1, 'effect:next': 1, 'effect:endless': 1 });
  });
}

describe('on SIGTERM', () => {
  stopsSoftly(() => ({}));
});

describeWithRedis('on SIGTERM, with Redis', () => {
  let redis: Redis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  stopsSoftly(() => ({ REDIS_URL: redis.url }));
});
