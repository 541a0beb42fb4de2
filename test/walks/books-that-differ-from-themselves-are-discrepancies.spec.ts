import { usd, usdc } from '../../src/common/money';
import { BalanceAlerts } from '../../src/credits/balance-alerts.service';
import { DatabaseService } from '../../src/database/database.service';
import { DiscrepancyStore } from '../../src/reconciliation/discrepancy-store.service';
import { asOwner } from '../support/owner';
import { Operator } from '../support/reconciliation-world';
import { chat, customerWith, startWorld, type World } from '../support/world';

/** What only the owner of the tables can bring about, or a job that died. */
describe('books that differ from themselves', () => {
  let world: World;
  let operator: Operator;
  let customerId: string;

  beforeAll(async () => {
    world = await startWorld();
    operator = new Operator(world);
    const customer = await customerWith(world, 10_000_000_000n);
    ({ customerId } = customer);
    await world.app.get(BalanceAlerts, { strict: false }).set(customerId, [usd(1_000_000_000n), usd(20_000_000_000n)]);
    expect((await chat(world.url, customer.key, { model: 'flat' })).status).toBe(200);
  });
  afterAll(() => world?.stop());

  const kinds = async () =>
    (await operator.discrepancies('state=open')).map(({ kind, ref, amount }) => [kind, ref, amount]);

  it('are clean before anybody alters them', async () => {
    expect(await operator.reconcile('books')).toMatchObject({ state: 'finished', outcomes: [{ found: 0 }] });
  });

  it('are told of thresholds that nobody watches, counters that no hold explains, usage that is no revenue', async () => {
    await asOwner(
      world,
      ['UPDATE ledger_accounts SET watch_below = NULL WHERE customer_id = $1', [customerId]],
      [
        `INSERT INTO budgets (id, customer_id, period, limit_atoms, hard) VALUES ('bud_1', $1, 'day', 9, true)`,
        [customerId],
      ],
      `INSERT INTO budget_counters (budget_id, period_from, period_to, limit_atoms, hard, held_atoms, spent_atoms)
       VALUES ('bud_1', now(), now() + interval '1 day', 9, true, 3, 0)`,
      'ALTER TABLE usage_records DISABLE TRIGGER USER',
      'UPDATE usage_records SET atoms = atoms + 5',
    );
    await operator.reconcile('books');
    const found = await kinds();
    expect(found).toContainEqual(['balance_unwatched', customerId, '0']);
    expect(found).toContainEqual(['budget_counter_differs', expect.stringMatching(/^\d+$/), '0']);
    expect(found).toContainEqual(['usage_differs', 'USD', '0.000000005']);
    expect(found).toContainEqual(['invoices_differ', 'USD', '0.000000005']);
    expect(found.map(([kind]) => kind)).toContain('proof_usage_and_entries');
    const { verdict, sides } = await operator.report('books');
    expect([verdict, sides[0].totals[0]]).toMatchObject(['open', { difference: '0.00000001', unexplained: '0' }]);
  });

  it('take no entry where no amount is, and none for what waits in suspense', async () => {
    const [unwatched] = (await operator.discrepancies('state=open')).filter(({ kind }) => kind === 'balance_unwatched');
    const entry = { from: 'stripe:clearing', to: 'suspense', amount: '0' };
    const body = { by: 'Ada', reason: 'To see.' };
    const without = await operator.ask(`/admin/discrepancies/${unwatched.id}/resolve`, { ...body, entry });
    expect([without.status, without.body.code]).toEqual([409, 'discrepancy_without_amount']);

    const suspended = { kind: 'unknown_inbound', ref: 'eip155:1:0x1:0', amount: usdc(5n), since: new Date() };
    await world.app
      .get(DatabaseService)
      .transaction((tx) =>
        world.app.get(DiscrepancyStore).record(tx, 'chain', [{ ...suspended, suggestedCause: 'Somebody paid.' }]),
      );
    const [inSuspense] = await operator.discrepancies('side=chain');
    const out = { from: 'suspense', to: 'expense:writeoff', amount: '0.000005' };
    const refused = await operator.ask(`/admin/discrepancies/${inSuspense.id}/resolve`, { ...body, entry: out });
    expect([refused.status, refused.body.code]).toEqual([409, 'discrepancy_in_suspense']);
  });
});
