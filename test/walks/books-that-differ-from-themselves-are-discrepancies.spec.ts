import { usd, usdc } from '../../src/common/money';
import { BalanceAlerts } from '../../src/credits/balance-alerts.service';
import { disputeWithdrawn } from '../../src/ledger/dispute-entries';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { LedgerService } from '../../src/ledger/ledger.service';
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

  it('are told of what a dispute has left behind that is over, until an entry moves it', async () => {
    const ledger = world.app.get(LedgerService);
    const accounts = world.app.get(LedgerAccountsService);
    const withdrawn = (disputeId: string) => ({
      ...{ transactionId: `txn_${disputeId}`, disputeId, customerId, fee: usd(0n) },
      ...{ gross: usd(3_000_000_000n), moved: usd(3_000_000_000n) },
    });
    for (const [id, phase] of [
      ['du_over', 'closed'],
      ['du_open', 'open'],
    ] as const) {
      const { postings } = disputeWithdrawn(withdrawn(id));
      await accounts.idsOf(postings.flatMap(({ from, to }) => [from, to]));
      const payment =
        'INSERT INTO stripe_payments (payment_intent_id, gross_atoms, tax_atoms) VALUES ($1, 3000000000, 0)';
      await asOwner(
        world,
        [payment, [`pi_${id}`]],
        [
          `INSERT INTO disputes (id, payment_intent_id, customer_id, gross_atoms, phase, status, reason)
         VALUES ($1, $2, $3, 3000000000, $4, 'won', 'fraudulent')`,
          [id, `pi_${id}`, customerId, phase],
        ],
      );
      expect(await ledger.post(disputeWithdrawn(withdrawn(id)))).toMatchObject({ verdict: 'posted' });
    }
    await operator.reconcile('books');
    const [left, ...others] = (await operator.discrepancies('state=open')).filter(
      ({ kind }) => kind === 'reversal_left_over',
    );
    expect([left, others]).toMatchObject([{ ref: 'du_over', amount: '-3', customerId }, []]);
    expect((await operator.report('books')).sides[0].totals[0].unexplained).toBe('0');

    const entry = { from: 'expense:disputes', to: 'stripe:disputed', amount: '3' };
    const body = { by: 'Ada', reason: 'The bank keeps it.', entry };
    expect((await operator.ask(`/admin/discrepancies/${left.id}/resolve`, body)).status).toBe(200);
    await operator.reconcile('books');
    expect((await operator.discrepancies('state=open')).map(({ kind }) => kind)).not.toContain('reversal_left_over');
    expect((await operator.report('books')).sides[0].totals[0].unexplained).toBe('0');
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
