import { type JobWorld, startJobWorld, startWorker, type Worker } from '../support/jobs';
import { eventually } from '../support/program';
import { describeWithRedis, type Redis, startRedis } from '../support/redis';

const AN_HOUR_MS = 3_600_000;

/** Only PostgreSQL's clock counts: an hour more or less in a worker changes nothing. */
function skewed(environment: () => Record<string, string>): void {
  let world: JobWorld;
  const workers: Worker[] = [];

  beforeAll(async () => {
    world = await startJobWorld();
    for (const skew of [AN_HOUR_MS, -AN_HOUR_MS]) {
      workers.push(await startWorker(world, { ...environment(), CLOCK_SKEW_MS: String(skew), TEST_TICKS: 'yes' }));
    }
  });
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.kill9()));
    await world?.stop();
  });

  it('does each job once, and none before its time', async () => {
    await world.enqueue('effect:in-half-an-hour', {}, 1800);
    const ids = Array.from({ length: 40 }, (_, n) => `effect:${n}`);
    // Longer than a lease, one of them: it is renewed, and nobody takes it for abandoned.
    for (const id of ids) await world.enqueue(id, { takesMs: id === 'effect:7' ? 20_000 : 50 });
    await eventually(
      'All but the late one',
      async () => {
        const jobs = await world.jobs();
        return Object.values(jobs).filter(({ state }) => state === 'done').length === 40 ? true : undefined;
      },
      undefined,
      60_000,
    );
    expect(await world.effects()).toEqual(Object.fromEntries(ids.map((id) => [id, 1])));
    const jobs = await world.jobs();
    expect(jobs['effect:in-half-an-hour']).toMatchObject({ state: 'waiting', attempts: 0 });
    for (const id of ids) expect(jobs[id]).toMatchObject({ state: 'done', attempts: 1 });
    const pids = await world.query('SELECT DISTINCT pid FROM story.effects');
    expect(pids).toHaveLength(2);
  });

  it('runs what repeats at its pace, by the database', async () => {
    const ticks = await eventually('Some ticks', async () => {
      const rows = await world.query('SELECT extract(epoch FROM began)::float8 AS at FROM story.ticks ORDER BY began');
      return rows.length >= 5 ? rows : undefined;
    });
    for (let n = 1; n < ticks.length; n++) expect(ticks[n].at - ticks[n - 1].at).toBeGreaterThanOrEqual(1);
  });
}

describe('workers whose clocks are wrong by an hour', () => {
  skewed(() => ({}));
});

describeWithRedis('workers whose clocks are wrong by an hour, with Redis', () => {
  let redis: Redis;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  skewed(() => ({ REDIS_URL: redis.url }));
});
