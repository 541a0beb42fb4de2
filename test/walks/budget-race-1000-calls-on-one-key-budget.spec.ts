import { booksOf, expectSoundBooks, json, query, usageOf } from '../support/calls';
import { type ServerProcess, startServer } from '../support/process';
import { chat, customerWith, startWorld, type World } from '../support/world';

const DOLLAR = 1_000_000_000n;
const CALLS = 1000;

/** TC-02, TC-04, TC-10: what a key may spend in a day is not passed by calls that come at once, at whatever process. */
describe('1000 calls of $0.10 at once, through two processes, on a budget of $5.00', () => {
  let world: World;
  let processes: ServerProcess[] = [];

  beforeAll(async () => {
    world = await startWorld();
    const env = { UPSTREAM_URL: world.upstream.url };
    processes = await Promise.all([startServer(world.databaseUrl, env), startServer(world.databaseUrl, env)]);
  });
  afterAll(async () => {
    await Promise.all(processes.map((server) => server.kill9()));
    await world?.stop();
  });

  it('exactly 50 are served, and the others are told which budget is spent', async () => {
    const { customerId, key, keyId } = await customerWith(world, 500n * DOLLAR);
    const set = await fetch(`${world.url}/v1/budgets`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ keyId, period: 'month', limit: '5' }),
    });
    expect(set.status).toBe(200);
    const call = async (n: number) => {
      const response = await chat((processes[n % 2] as ServerProcess).url, key, { model: 'flat' });
      return response.status === 200 ? 'served' : (await json(response)).code;
    };
    const answers: string[] = [];
    for (let round = 0; round < 4; round++) {
      answers.push(...(await Promise.all(Array.from({ length: CALLS / 4 }, (_, n) => call(n)))));
    }

    expect(answers.filter((answer) => answer === 'served')).toHaveLength(50);
    expect(new Set(answers)).toEqual(
      new Set(['served', 'budget_exceeded', ...answers.filter((a) => /flight/.test(a))]),
    );
    expect((await usageOf(world, customerId)).filter(({ atoms }) => atoms > 0n)).toHaveLength(50);
    expect((await booksOf(world, customerId)).posted.atoms).toBe(495n * DOLLAR);
    const counters = await query(world, 'SELECT held_atoms, spent_atoms FROM budget_counters');
    expect(counters).toEqual([{ held_atoms: 0n, spent_atoms: 5n * DOLLAR }]);
    await expectSoundBooks(world);
  });
});
