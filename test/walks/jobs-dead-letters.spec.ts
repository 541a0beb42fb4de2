import type { Entry } from '../../src/cli/command';
import { discardJobs, listJobs, listSchedules, retryJobs } from '../../src/cli/jobs';
import { DatabaseService } from '../../src/database/database.service';
import { JobsService } from '../../src/jobs/jobs.service';
import { stripeFeeJob } from '../../src/topups/stripe-fee-job';
import { runCommand } from '../support/commands';
import { addTestHandlers } from '../support/job-handlers';
import { type JobWorld, startJobReplica, startJobWorld } from '../support/jobs';
import { eventually } from '../support/program';

const COMMANDS: readonly Entry[] = [
  { name: 'jobs list', summary: '', load: async () => listJobs },
  { name: 'jobs retry', summary: '', load: async () => retryJobs },
  { name: 'jobs discard', summary: '', load: async () => discardJobs },
  { name: 'jobs schedules', summary: '', load: async () => listSchedules },
];

/** A job that cannot be done keeps its error, waits longer each time, and ends where the operator finds it. */
describe('a job that fails every time', () => {
  let world: JobWorld;
  let replica: { stop(): Promise<void> };

  beforeAll(async () => {
    world = await startJobWorld();
    replica = await startJobReplica(world, (app) => addTestHandlers(app.get(JobsService), app.get(DatabaseService)));
  });
  afterAll(async () => {
    await replica?.stop();
    await world?.stop();
  });

  const send = async (method: string, path: string) => {
    const answer = await fetch(`${world.url}/admin/jobs${path}`, {
      method,
      headers: { authorization: `Bearer ${world.adminToken}` },
    });
    return { status: answer.status, body: (await answer.json()) as any };
  };
  const enqueue = (name: string, id: string, payload: unknown = {}) =>
    world.app.get(DatabaseService).transaction((tx) => world.app.get(JobsService).enqueue(tx, { name, id, payload }));
  const stateIs = (id: string, state: string) =>
    eventually(`${id} ${state}`, async () => ((await world.jobs())[id]?.state === state ? true : undefined));

  /** Runs the command line as the operator does. */
  async function cli(...args: string[]): Promise<{ code: number; output: string }> {
    const { code, out, err } = await runCommand(COMMANDS, ...args);
    return { code, output: out + err };
  }

  it('backs off, and is dead after its last attempt, with the last error and its cause', async () => {
    await enqueue('fail', 'fail:1');
    await eventually('A first failure', async () => ((await world.jobs())['fail:1']?.last_error ? true : undefined));
    const [waiting] = await world.query(
      `SELECT state, extract(epoch FROM run_at - now())::float8 AS wait FROM jobs WHERE id = 'fail:1'`,
    );
    expect(waiting.wait).toBeLessThanOrEqual(2);
    await stateIs('fail:1', 'dead');
    const { status, body } = await send('GET', '?state=dead');
    expect(status).toBe(200);
    expect(body).toEqual({
      data: [
        {
          id: 'fail:1',
          name: 'fail',
          payload: {},
          state: 'dead',
          attempts: 2,
          lastError: 'Error: attempt 2 failed, because of Error: the third party is away',
          runAt: expect.any(String),
          createdAt: expect.any(String),
          finishedAt: expect.any(String),
        },
      ],
      next: null,
    });
  });

  it('is not made anew by the same id, and runs again when the operator says so', async () => {
    await enqueue('fail', 'fail:1');
    expect((await world.jobs())['fail:1']?.state).toBe('dead');
    expect(await send('POST', '/fail:1/retry')).toMatchObject({ status: 200, body: { state: 'waiting', attempts: 0 } });
    await stateIs('fail:1', 'dead');
    await world.query('INSERT INTO story.healed VALUES (true)');
    expect((await send('POST', '/fail:1/retry')).status).toBe(200);
    await stateIs('fail:1', 'done');
    expect((await world.jobs())['fail:1']?.attempts).toBe(1);
  });

  it.each([
    ['POST', '/fail:1/retry', 409, 'job_not_dead'],
    ['POST', '/fail:none/retry', 404, 'job_not_found'],
    ['GET', '?state=lost', 400, 'invalid_request'],
    ['GET', '?before=x', 400, 'invalid_request'],
    ['GET', '?limit=0', 400, 'invalid_request'],
    ['GET', '?unknown=1', 400, 'invalid_request'],
  ])('%s %s is refused', async (method, path, status, code) => {
    const answer = await send(method, path);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  it('is listed page by page, by state and by name', async () => {
    for (let n = 1; n <= 5; n++) await world.enqueue(`effect:${n}`);
    await world.settled();
    const first = (await send('GET', '?name=effect&limit=3')).body;
    expect(first.data.map(({ id }: any) => id)).toEqual(['effect:5', 'effect:4', 'effect:3']);
    const second = (await send('GET', `?name=effect&limit=3&before=${first.next}`)).body;
    expect(second.data.map(({ id }: any) => id)).toEqual(['effect:2', 'effect:1']);
    expect(second.next).toBeNull();
    expect((await send('GET', '?state=done')).body.data).toHaveLength(6);
    expect((await send('GET', '?state=waiting')).body.data).toEqual([]);
  });

  it('is brought back by the command line: one, or all of them', async () => {
    // A fee that Stripe is to be asked for, at a server that knows no Stripe.
    const ids = ['pi_1', 'pi_2'].map((intent) => stripeFeeJob(intent).id);
    for (const intent of ['pi_1', 'pi_2']) {
      await world.query(
        `INSERT INTO stripe_payments (payment_intent_id, checkout_session_id, gross_atoms, tax_atoms) VALUES ($1, 'cs', 1, 0)`,
        [intent],
      );
      await enqueue('stripe-fee', `stripe-fee:${intent}`, { paymentIntentId: intent });
    }
    const exhaust = async () => {
      await world.query(
        `UPDATE jobs SET attempts = 14, run_at = now() WHERE name = 'stripe-fee' AND state = 'waiting'`,
      );
      for (const id of ids) await stateIs(id, 'dead');
    };
    /** They have been tried since they were made, or made to run again, and wait for their next try. */
    const failed = (...which: string[]) =>
      eventually('Failures', async () => {
        const jobs = await world.jobs();
        return which.every((id) => jobs[id]?.state === 'waiting' && jobs[id].attempts > 0) ? true : undefined;
      });
    await failed(...ids);
    await exhaust();

    const listed = JSON.parse((await cli('jobs', 'list', '--state', 'dead', '--json')).output);
    expect(listed).toMatchObject([
      { id: ids[1], state: 'dead', attempts: 15, lastError: expect.stringContaining('does not take cards') },
      { id: ids[0] },
    ]);
    const table = await cli('jobs', 'list', '--state', 'dead');
    expect(table.output).toContain('stripe-fee:pi_2');
    expect(table.output).toContain('does not take cards');

    expect(await cli('jobs', 'retry', ids[0] as string)).toEqual({ code: 0, output: `${ids[0]} will run again.\n` });
    await failed(ids[0] as string);
    expect((await world.jobs())[ids[1] as string]?.state).toBe('dead');
    await exhaust();
    const all = JSON.parse((await cli('jobs', 'retry', '--all', '--json')).output);
    expect(all.map(({ id, state }: any) => [id, state])).toEqual(ids.toReversed().map((id) => [id, 'waiting']));
    await failed(...ids);
    expect((await cli('jobs', 'discard', '--name', 'stripe-fee')).output).toContain('stripe-fee:pi_1 is given up.');
    expect((await world.jobs())[ids[0] as string]).toMatchObject({
      state: 'dead',
      last_error: 'Discarded by the operator.',
    });
  });

  it.each([
    [['jobs', 'retry', 'fail:1'], 1, 'Job "fail:1" is done. Its work is done.'],
    [['jobs', 'retry', 'fail:none'], 1, 'There is no job "fail:none".'],
    [['jobs', 'retry'], 2, 'jobs retry needs an <id>, or --all and none.'],
    [['jobs', 'retry', 'fail:1', '--all'], 2, 'jobs retry needs an <id>, or --all and none.'],
    [['jobs', 'retry', 'a', 'b'], 2, 'jobs retry does not take the argument "b".'],
    [['jobs', 'list', '--state', 'lost'], 2, '--state knows waiting, queued, running, done, dead, not "lost".'],
    [['jobs'], 2, 'jobs needs one of: list, retry, discard, schedules.'],
  ])('tollbridge %j is refused in words', async (args, code, sentence) => {
    expect(await cli(...args)).toEqual({ code, output: expect.stringContaining(sentence) });
  });

  it('the help says how', async () => {
    expect((await cli('jobs', 'retry', '--help')).output).toContain('tollbridge jobs retry [<id>] [options]');
    for (const name of ['list', 'discard', 'schedules']) {
      expect((await cli('jobs', name, '--help')).output).toContain(`tollbridge jobs ${name}`);
    }
  });
});
