import { newId } from '../../src/common/id';
import { usd } from '../../src/common/money';
import { DatabaseService } from '../../src/database/database.service';
import { customerCredits } from '../../src/ledger/ledger-account';
import { LedgerService } from '../../src/ledger/ledger.service';
import { json } from '../support/calls';
import { brokenInvariants } from '../support/invariants';
import { chat, customerWith, startWorld, type World } from '../support/world';

const CREDIT = 1_000_000_000n;

/** Somebody's transaction sits on one customer's account: that customer is told to come back, and nobody else waits. */
describe('an account that stays locked', () => {
  let world: World;
  let ledger: LedgerService;

  beforeAll(async () => {
    world = await startWorld({ JOBS_IN_PROCESS: 'false' });
    ledger = world.app.get(LedgerService);
  });
  afterAll(() => world?.stop());

  const ask = (sql: string, parameters?: unknown[]) => world.app.get(DatabaseService).query<any>(sql, parameters);
  const hold = (customerId: string) =>
    ledger.hold(
      { id: newId(), account: customerCredits(customerId, 'USD'), amount: usd(1n) },
      new Date(Date.now() + 60_000),
    );
  const told = (customerId: string) => hold(customerId).catch((error: { code: string }) => ({ verdict: error.code }));

  it('is refused in words; neighbours in the same flush go through, and after it wait no more', async () => {
    const [locked, ...others] = await Promise.all(Array.from({ length: 4 }, () => customerWith(world, CREDIT)));
    if (!locked) throw new Error('four customers');
    for (const { customerId } of [locked, ...others]) await hold(customerId);
    const sitter = await world.app.get(DatabaseService).connect();
    await sitter.query('BEGIN');
    const code = customerCredits(locked.customerId, 'USD').code;
    await sitter.query('SELECT FROM ledger_accounts WHERE code = $1 FOR NO KEY UPDATE', [code]);

    // One flush with everybody in it.
    const refused = told(locked.customerId);
    const verdicts = await Promise.all(others.map(({ customerId }) => told(customerId)));
    expect(verdicts).toEqual(others.map(() => ({ verdict: 'held' })));

    // The locked one is asked for all the time, and its neighbours do not notice.
    const further = told(locked.customerId);
    const began = performance.now();
    for (let turn = 0; turn < 20; turn++) {
      expect(await Promise.all(others.map(({ customerId }) => told(customerId)))).toEqual(verdicts);
    }
    expect(performance.now() - began).toBeLessThan(900);
    expect(await Promise.all([refused, further])).toEqual(Array(2).fill({ verdict: 'ledger_account_locked' }));

    const [mine, neighbours] = await Promise.all([chat(world.url, locked.key), chat(world.url, others[0]?.key)]);
    expect([mine.status, neighbours.status]).toEqual([503, 200]);
    expect(mine.headers.get('retry-after')).toBe('1');
    expect(mine.headers.get('content-type')).toContain('application/problem+json');
    expect((await json(mine)).code).toBe('ledger_account_locked');

    await sitter.query('ROLLBACK');
    sitter.release();
    expect(await told(locked.customerId)).toEqual({ verdict: 'held' });
    expect((await chat(world.url, locked.key)).status).toBe(200);
    expect(await brokenInvariants(ask)).toEqual([]);
  });

  it('but only for a moment is waited for', async () => {
    const { customerId } = await customerWith(world, CREDIT);
    const sitter = await world.app.get(DatabaseService).connect();
    await sitter.query('BEGIN');
    await sitter.query('SELECT FROM ledger_accounts WHERE customer_id = $1 FOR NO KEY UPDATE', [customerId]);
    const waiting = told(customerId);
    // As soon as it is waited for.
    await sitter.query('SELECT pg_sleep(0.3)');
    await sitter.query('ROLLBACK');
    sitter.release();
    expect(await waiting).toEqual({ verdict: 'held' });
  });
});
