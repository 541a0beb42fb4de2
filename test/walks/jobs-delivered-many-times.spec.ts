import Bull from 'bull';
import { connectionOf } from '../../src/jobs/bull.client';
import { type JobWorld, startJobWorld, startWorker, type Worker } from '../support/jobs';
import { eventually } from '../support/program';
import { describeWithRedis, type Redis, startRedis } from '../support/redis';

/** Redis may bring a job as often as it likes, and jobs that do not exist: what is done is PostgreSQL's word. */
describeWithRedis('a job that Redis brings many times', () => {
  let world: JobWorld;
  let redis: Redis;
  let queue: Bull.Queue;
  const workers: Worker[] = [];

  beforeAll(async () => {
    [world, redis] = await Promise.all([startJobWorld(), startRedis()]);
    for (let n = 0; n < 2; n++) workers.push(await startWorker(world, { REDIS_URL: redis.url }));
    queue = new Bull('jobs', { prefix: 'tollbridge', redis: connectionOf(redis.url) });
    await queue.isReady();
  });
  afterAll(async () => {
    await queue?.close();
    await Promise.all(workers.map((worker) => worker.kill9()));
    await redis?.stop();
    await world?.stop();
  });

  let copies = 0;
  const bring = (id: string, times: number) =>
    queue.addBulk(
      Array.from({ length: times }, () => ({
        data: { id },
        opts: { jobId: `by-hand:${copies++}`, removeOnComplete: true },
      })),
    );
  const delivered = () =>
    eventually('An empty queue', async () => {
      const counts = await queue.getJobCounts();
      return counts.waiting + counts.active + counts.delayed === 0 ? counts : undefined;
    });

  it('before, while and after it is done: its effect comes once', async () => {
    const ids = Array.from({ length: 10 }, (_, n) => `effect:${n}`);
    for (const id of ids) {
      await bring(id, 5);
      await world.enqueue(id, { takesMs: 300 });
      await bring(id, 20);
    }
    await world.settled();
    for (const id of ids) await bring(id, 5);
    expect((await delivered()).failed).toBe(0);
    expect(await world.effects()).toEqual(Object.fromEntries(ids.map((id) => [id, 1])));
    expect(await world.begun()).toHaveLength(10);
  });

  it('before its time: it waits all the same', async () => {
    await world.enqueue('effect:late', {}, 3600);
    await bring('effect:late', 20);
    await bring('effect:nobody-knows-it', 20);
    expect((await delivered()).failed).toBe(0);
    expect((await world.jobs())['effect:late']).toMatchObject({ state: 'waiting', attempts: 0 });
    expect(await world.effects()).not.toHaveProperty(['effect:late']);
  });

  it('after a failure: the next attempt is not brought forward, and not swallowed', async () => {
    await world.enqueue('effect:breaks', { breaks: [1] });
    await eventually('Its failure', async () => {
      const job = (await world.jobs())['effect:breaks'];
      return job?.last_error?.includes('broken in attempt 1') ? true : undefined;
    });
    await bring('effect:breaks', 20);
    await eventually('Its end', async () =>
      (await world.jobs())['effect:breaks']?.state === 'done' ? true : undefined,
    );
    await delivered();
    expect((await world.jobs())['effect:breaks']).toMatchObject({ state: 'done', attempts: 2 });
    expect((await world.effects())['effect:breaks']).toBe(1);
  });
});
