import { type JobWorld, startJobWorld, startWorker, type Worker } from '../support/jobs';
import { eventually } from '../support/program';
import { describeWithRedis, type Redis, startRedis } from '../support/redis';

// What was in Redis is sent again after a while, and a Redis that is silent is believed for a while.
jest.setTimeout(180_000);

/** PostgreSQL is the truth: whatever happens to Redis, every job is done, and once. */
describeWithRedis('a Redis that forgets', () => {
  let world: JobWorld;
  let redis: Redis;
  const workers: Worker[] = [];

  beforeAll(async () => {
    [world, redis] = await Promise.all([startJobWorld(), startRedis()]);
    for (let n = 0; n < 2; n++) workers.push(await startWorker(world, { REDIS_URL: redis.url }));
  });
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.kill9()));
    await redis?.stop();
    await world?.stop();
  });

  const enqueued = new Set<string>();
  const enqueue = async (count: number, takesMs: number) => {
    for (let n = 0; n < count; n++) {
      const id = `effect:${enqueued.size}`;
      enqueued.add(id);
      await world.enqueue(id, { takesMs });
    }
  };
  const expectEachOnce = async () => {
    await world.settled();
    expect(await world.effects()).toEqual(Object.fromEntries([...enqueued].map((id) => [id, 1])));
  };
  const told = (worker: Worker, what: RegExp) =>
    eventually(
      String(what),
      () => (what.test(worker.output()) ? true : undefined),
      () => worker.output(),
    );
  const goesWithout = (worker: Worker) =>
    worker.output().lastIndexOf('Redis is away: jobs are taken from PostgreSQL') >
    worker.output().lastIndexOf('Redis is back');
  const said = () => workers.map((worker) => worker.output()).join('\n');

  it('brings jobs to both workers, and keeps nothing of them', async () => {
    await enqueue(40, 50);
    await expectEachOnce();
    const pids = await world.query('SELECT DISTINCT pid FROM story.effects');
    expect(pids).toHaveLength(2);
    const queued = await eventually('An empty queue', async () => {
      const keys = await redis.command('KEYS tollbridge:jobs:job:*');
      return keys === '*0' ? keys : undefined;
    });
    expect(queued).toBe('*0');
  });

  it('flushed in mid-queue loses no job', async () => {
    await enqueue(80, 100);
    const begun = (await world.begun()).length;
    await eventually('A few of them', async () => ((await world.begun()).length > begun + 8 ? true : undefined));
    expect(await redis.command('FLUSHALL')).toBe('+OK');
    await expectEachOnce();
  });

  it('killed and started again, empty, loses no job', async () => {
    await enqueue(60, 100);
    await redis.kill9();
    await enqueue(10, 10);
    await redis.restart();
    await world.overdue('queued');
    await enqueue(10, 10);
    await expectEachOnce();
  });

  it('that stays away keeps no job from being done, and is missed in the log; it is used again when it is back', async () => {
    await redis.kill9();
    await enqueue(30, 20);
    await eventually('Its absence', () => (workers.every(goesWithout) ? true : undefined), said);
    await world.overdue('queued');
    await expectEachOnce();
    await redis.restart();
    await eventually('Its return', () => (workers.some(goesWithout) ? undefined : true), said);
    await enqueue(10, 10);
    await expectEachOnce();
  });

  it('that is away does not keep a worker from ending', async () => {
    await redis.kill9();
    expect(await Promise.all(workers.map((worker) => worker.terminate()))).toEqual([0, 0]);
  });

  it.each([
    ['is full', 'CONFIG SET maxmemory 1'],
    ['has become a replica of another one', 'REPLICAOF 127.0.0.1 9'],
  ])('that takes nothing, because it %s, keeps no job from being done', async (_, command) => {
    await redis.restart();
    const worker = await startWorker(world, { REDIS_URL: redis.url });
    workers.push(worker);
    await enqueue(3, 10);
    await expectEachOnce();
    expect(await redis.command(command)).toBe('+OK');
    await enqueue(5, 10);
    await told(worker, /Redis (is away|takes no jobs)/);
    await world.overdue('queued');
    await expectEachOnce();
    expect(await worker.terminate()).toBe(0);
  });

  it('that hangs keeps no job from being done, and no worker from ending', async () => {
    await redis.restart();
    const worker = await startWorker(world, { REDIS_URL: redis.url });
    workers.push(worker);
    await enqueue(3, 10);
    await expectEachOnce();
    redis.signal('SIGSTOP');
    await enqueue(30, 10);
    await told(worker, /Redis is away/);
    await world.overdue('queued');
    await expectEachOnce();
    expect(await worker.terminate()).toBe(0);
    redis.signal('SIGCONT');
  });

  it('is used with its password, and done without when the password is wrong', async () => {
    await redis.restart();
    expect(await redis.command('CONFIG SET requirepass open:sesame')).toBe('+OK');
    const right = redis.url.replace('//', `//:${encodeURIComponent('open:sesame')}@`);
    for (const url of [right, redis.url]) {
      const worker = await startWorker(world, { REDIS_URL: url });
      workers.push(worker);
      await enqueue(10, 10);
      await expectEachOnce();
      expect(worker.output().includes('Redis is away')).toBe(url === redis.url);
      expect(await worker.terminate()).toBe(0);
    }
  });

  it('that is away does not keep a worker from starting', async () => {
    await redis.kill9();
    const worker = await startWorker(world, { REDIS_URL: redis.url });
    workers.push(worker);
    await enqueue(5, 10);
    await expectEachOnce();
    expect(await worker.terminate()).toBe(0);
  });
});
