import { type JobWorld, startJobWorld, startWorker, type Worker } from '../support/jobs';
import { eventually } from '../support/program';
import { describeWithRedis, type Redis, startRedis } from '../support/redis';

// The lease of a stopped worker is waited for, and with Redis what a stopped worker still has in its hands.
jest.setTimeout(180_000);

const IDS = Array.from({ length: 10 }, (_, n) => `effect:${n}`);

/** Whoever carries them: what a dead worker had in its hands is done by another one, once. */
function killedInMidJob(environment: () => Record<string, string>): void {
  let world: JobWorld;
  const workers: Worker[] = [];

  beforeAll(async () => {
    world = await startJobWorld();
  });
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.kill9()));
    await world?.stop();
  });

  it('leaves jobs whose effect comes once, from another worker', async () => {
    const first = await startWorker(world, environment());
    workers.push(first);
    for (const id of IDS) await world.enqueue(id, { hangs: [1] });
    const begun = await eventually(
      'Four jobs at a time',
      async () => {
        const rows = await world.begun();
        return rows.length === 4 ? rows : undefined;
      },
      () => first.output(),
    );
    expect(begun.every(({ pid }) => pid === first.pid)).toBe(true);
    expect(Object.values(await world.jobs()).filter(({ state }) => state === 'running')).toHaveLength(4);
    await first.kill9();
    expect(await world.effects()).toEqual({});
    await world.overdue('running');

    // Jobs that the first one never began hang in their own first attempt: what is new here is let through.
    await world.query(`UPDATE jobs SET payload = '{}' WHERE state <> 'running'`);
    const second = await startWorker(world, environment());
    workers.push(second);
    await world.settled();
    expect(await world.effects()).toEqual(Object.fromEntries(IDS.map((id) => [id, 1])));
    const jobs = await world.jobs();
    for (const { id } of begun) expect(jobs[id]).toMatchObject({ state: 'done', attempts: 2 });
    const effects = await world.query('SELECT DISTINCT pid FROM story.effects');
    expect(effects).toEqual([{ pid: second.pid }]);
  });

  it('or only stopped (SIGSTOP) until others have done them: it writes nothing when it wakes', async () => {
    for (const worker of workers) await worker.kill9();
    const sleeper = await startWorker(world, environment());
    workers.push(sleeper);
    await world.enqueue('effect:asleep', { takesMs: 1000 });
    await eventually('Its begin', async () => (await world.begun()).find(({ id }) => id === 'effect:asleep'));
    sleeper.signal('SIGSTOP');
    const awake = await startWorker(world, environment());
    workers.push(awake);
    await world.settled();
    sleeper.signal('SIGCONT');
    await eventually('What it says', () => (/taken over|leases are lost/.test(sleeper.output()) ? true : undefined));
    await world.enqueue('effect:later');
    await world.settled();
    const effects = await world.query(`SELECT pid, attempt FROM story.effects WHERE id = 'effect:asleep'`);
    expect(effects).toEqual([{ pid: awake.pid, attempt: 2 }]);
  });
}

describe('a worker that is killed in mid-job', () => {
  killedInMidJob(() => ({}));
});

describeWithRedis('a worker that is killed in mid-job, with Redis', () => {
  let redis: Redis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  killedInMidJob(() => ({ REDIS_URL: redis.url }));
});
