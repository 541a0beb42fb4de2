import { BudgetCounters, type Weight } from '../../src/budgets/budget-counters.service';
import { BudgetsService } from '../../src/budgets/budgets.service';
import { newId } from '../../src/common/id';
import { usd } from '../../src/common/money';
import { callCaptured } from '../../src/ledger/entries';
import { customerCredits } from '../../src/ledger/ledger-account';
import { LedgerService } from '../../src/ledger/ledger.service';
import { expectSoundBooks, json } from '../support/calls';
import { chat, customerWith, startWorld, type World } from '../support/world';

const DOLLAR = 1_000_000_000n;

/** TC-40, TC-43: budgets follow the calendar, forget nothing that was spent, and carry nothing over. */
describe('a budget', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world?.stop());

  const ask = (key: string, method: string, path: string, body?: unknown) =>
    fetch(`${world.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const budgets = async (key: string) => (await json(await ask(key, 'GET', '/v1/budgets'))).data;
  const call = (key: string, more: object = {}) => chat(world.url, key, { model: 'flat', ...more });
  const WARNING = 'x-tollbridge-budget-warning';

  it('warns from 80 per cent on, refuses what it cannot bear, and says when it begins anew', async () => {
    const { key, keyId } = await customerWith(world, 10n * DOLLAR);
    await ask(key, 'PUT', '/v1/budgets', { keyId, period: 'day', limit: '0.5' });
    await ask(key, 'PUT', '/v1/budgets', { period: 'month', limit: '0.6', hard: false });

    const warnings = [];
    // The last but one is a stream, whose headers come before anything is used.
    for (const stream of [false, false, false, true, false]) {
      const answer = await call(key, { stream });
      await answer.arrayBuffer();
      warnings.push(answer.headers.get(WARNING));
    }
    const refused = await call(key);

    expect(warnings).toEqual([null, null, null, 'key:day:80', 'key:day:100,customer:month:83']);
    expect(refused.status).toBe(402);
    const problem = await json(refused);
    expect(problem).toMatchObject({
      code: 'budget_exceeded',
      scope: 'key',
      period: 'day',
      limit: '0.5',
      used: '0.5',
      required: '0.1',
    });
    const midnight = new Date();
    midnight.setUTCHours(24, 0, 0, 0);
    expect(problem.resetsAt).toBe(midnight.toISOString());
    const seconds = Number(refused.headers.get('retry-after'));
    expect(Math.abs(seconds - (midnight.getTime() - Date.now()) / 1000)).toBeLessThan(30);
    await expectSoundBooks(world);
  });

  it('made in mid-period counts what was spent before; raised, lowered and ended it holds at once', async () => {
    const { key } = await customerWith(world, 10n * DOLLAR);
    for (let n = 0; n < 3; n++) expect((await call(key)).status).toBe(200);

    const made = await json(await ask(key, 'PUT', '/v1/budgets', { period: 'month', limit: '0.35' }));
    expect(made).toMatchObject({ used: '0.3', held: '0', limit: '0.35' });
    expect((await json(await call(key))).code).toBe('budget_exceeded');

    expect(await json(await ask(key, 'PUT', '/v1/budgets', { period: 'month', limit: '0.4' }))).toMatchObject({
      id: made.id,
      used: '0.3',
    });
    expect((await call(key)).status).toBe(200);
    expect((await call(key)).status).toBe(402);

    expect((await ask(key, 'DELETE', `/v1/budgets/${made.id}`)).status).toBe(204);
    expect((await call(key)).status).toBe(200);
    expect(await budgets(key)).toEqual([]);
    await expectSoundBooks(world);
  });

  it('is of the period in which a call was let in, keeps what was spent there, and carries nothing over', async () => {
    const { customerId, key, keyId } = await customerWith(world, 10n * DOLLAR);
    await ask(key, 'PUT', '/v1/budgets', { period: 'month', limit: '1' });
    const spending = await world.app.get(BudgetsService, { strict: false }).of(customerId);
    const counters = world.app.get(BudgetCounters, { strict: false });
    const ledger = world.app.get(LedgerService, { strict: false });
    const account = customerCredits(customerId, 'USD');
    const at = (instant: string) => counters.weightsOf(customerId, keyId, spending, new Date(instant));
    const hold = async (weights: readonly Weight[], cents: bigint) => {
      const weighing = weights.map(({ counterId }) => counterId);
      const one = { id: newId(), account, amount: usd(cents * 10_000_000n), counters: weighing };
      return { one, ...(await ledger.hold(one, new Date(Date.now() + 60_000))) };
    };
    const [january, february] = [await at('2026-01-31T23:59:59.999Z'), await at('2026-02-01T00:00:00.000Z')];

    const late = await hold(january, 60n);
    expect((await hold(january, 60n)).verdict).toBe('budget_exceeded');
    expect(await hold(february, 60n)).toMatchObject({ verdict: 'held', used: [600_000_000n] });
    // January left 40 cents: they are not February's.
    expect((await hold(february, 50n)).verdict).toBe('budget_exceeded');
    await ledger.capture(late.one, callCaptured({ callId: late.one.id, customerId, charge: usd(700_000_000n) }));

    expect(await counters.read([...january, ...february])).toEqual([
      // More than was held is charged all the same: the work was done.
      { spent: 700_000_000n, held: 0n },
      { spent: 0n, held: 600_000_000n },
    ]);
    await expectSoundBooks(world);
  });
});
