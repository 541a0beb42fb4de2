import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DatabaseService } from '../../src/database/database.service';
import { JobsService } from '../../src/jobs/jobs.service';
import { type JobWorld, startJobReplica, startJobWorld, startWorker } from '../support/jobs';
import { eventually } from '../support/program';

/** However many replicas there are: what repeats runs in one of them, one run after the other. */
describe('a schedule at three replicas', () => {
  let world: JobWorld;
  const replicas: { app: NestFastifyApplication; stop(): Promise<void> }[] = [];

  beforeAll(async () => {
    world = await startJobWorld();
    for (let n = 0; n < 3; n++) replicas.push(await startJobReplica(world, (app) => addTicks(app, n)));
  });
  afterAll(async () => {
    await Promise.all(replicas.map((replica) => replica.stop()));
    await world?.stop();
  });

  /** `tick` writes when it began and ended; `broken` throws as long as nobody has healed it. */
  function addTicks(app: NestFastifyApplication, replica: number): void {
    const [jobs, database] = [app.get(JobsService), app.get(DatabaseService)];
    const tick = async () => {
      const [{ began }] = await database.query<any>('SELECT clock_timestamp()::text AS began');
      await new Promise((resolve) => setTimeout(resolve, 100));
      await database.query('INSERT INTO story.ticks VALUES ($1, clock_timestamp(), $2)', [began, replica]);
    };
    jobs.register({ name: 'tick', everySeconds: 1, run: tick });
    const broken = async () => {
      const [healed] = await database.query('SELECT FROM story.healed');
      if (!healed) throw new Error('out of order');
    };
    jobs.register({ name: 'broken', everySeconds: 1, run: broken });
  }
  const ticks = () =>
    world.query(
      'SELECT extract(epoch FROM began)::float8 AS began, extract(epoch FROM ended)::float8 AS ended FROM story.ticks ORDER BY began',
    );
  const scheduleNamed = async (name: string) => {
    const answer = await fetch(`${world.url}/admin/jobs/schedules`, {
      headers: { authorization: `Bearer ${world.adminToken}` },
    });
    const { data } = (await answer.json()) as any;
    return data.find((schedule: any) => schedule.name === name);
  };

  it('fires once per interval', async () => {
    const runs = await eventually('Six runs', async () => {
      const rows = await ticks();
      return rows.length >= 6 ? rows : undefined;
    });
    for (let n = 1; n < runs.length; n++) expect(runs[n].began - runs[n - 1].ended).toBeGreaterThanOrEqual(1);
  });

  it('has one row, whoever runs it', async () => {
    expect(await scheduleNamed('tick')).toMatchObject({ everySeconds: 1, failures: 0, lastError: null });
    const [{ count }] = await world.query(`SELECT count(*)::integer FROM job_schedules WHERE name = 'tick'`);
    expect(count).toBe(1);
  });

  it('that fails keeps its last error where the operator sees it, also when it is well again', async () => {
    const ill = await eventually('Two failures', async () => {
      const schedule = await scheduleNamed('broken');
      return schedule.failures >= 2 ? schedule : undefined;
    });
    expect(ill).toMatchObject({ lastError: 'Error: out of order', lastErrorAt: expect.any(String) });
    await world.query('INSERT INTO story.healed VALUES (true)');
    const well = await eventually('A good run', async () => {
      const schedule = await scheduleNamed('broken');
      return schedule.failures === 0 ? schedule : undefined;
    });
    expect(well.lastError).toBe('Error: out of order');
  });

  it('can be run at once, and then throws what it throws', async () => {
    const jobs = replicas[0]!.app.get(JobsService);
    await world.query('DELETE FROM story.healed');
    await expect(
      eventually('A run of ours', async () => {
        await jobs.runNow('broken');
        return undefined;
      }),
    ).rejects.toThrow('out of order');
    await expect(jobs.runNow('nobody')).rejects.toThrow('There is no job named nobody');
    await jobs.runNow('make-partitions');
    expect((await scheduleNamed('make-partitions')).lastRunAt).not.toBeNull();
  });

  it('whose process is killed in the middle of a run runs again elsewhere', async () => {
    await Promise.all(replicas.splice(0).map((replica) => replica.stop()));
    const worker = await startWorker(world, { TEST_TICKS: 'yes' });
    const [{ n: before }] = await world.query('SELECT count(*)::integer AS n FROM story.ticks');
    // The next run waits for this lock, in the middle.
    const keeper = await world.app.get(DatabaseService).connect();
    await keeper.query('BEGIN; LOCK story.ticks IN SHARE MODE');
    await eventually('A run', async () => ((await scheduleNamed('tick')).running ? true : undefined));
    await worker.kill9();
    await keeper.query('ROLLBACK');
    keeper.release();
    const heir = await startWorker(world, { TEST_TICKS: 'yes' });
    await eventually('Another run', async () => {
      const [{ n }] = await world.query(`SELECT count(*)::integer AS n FROM story.ticks WHERE replica = $1`, [
        heir.pid,
      ]);
      return n > 0 ? true : undefined;
    });
    expect(before).toBeGreaterThan(0);
    expect(await heir.terminate()).toBe(0);
  });
});
