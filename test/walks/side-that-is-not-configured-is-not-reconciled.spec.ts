import { usd } from '../../src/common/money';
import { DatabaseService } from '../../src/database/database.service';
import { DiscrepancyStore } from '../../src/reconciliation/discrepancy-store.service';
import { ReconciliationRuns } from '../../src/reconciliation/reconciliation-runs.service';
import { startTestApp, type TestApp } from '../support/app';
import { Operator } from '../support/reconciliation-world';

describe('a side that is not configured', () => {
  let world: TestApp;
  let operator: Operator;

  beforeAll(async () => {
    world = await startTestApp();
    operator = new Operator(world);
  });
  afterAll(() => world?.stop());

  const sidesOf = ({ outcomes }: any) => outcomes.map(({ side, state }: any) => `${side} ${state}`);

  it('is skipped when nothing is on record, and does not count as reconciled', async () => {
    const run = await operator.reconcile();
    expect([run.state, sidesOf(run)]).toEqual(['finished', ['stripe skipped', 'chain skipped', 'books done']]);
    const { verdict, sides } = await operator.report();
    expect([verdict, sides.map(({ asked, skipped }: any) => [asked === null, skipped])]).toEqual([
      'clean',
      [
        [true, true],
        [true, true],
        [false, false],
      ],
    ]);
    const page = await fetch(`${world.url}/admin/reconciliation?format=html`, {
      headers: { authorization: `Bearer ${world.adminToken}` },
    });
    expect(await page.text()).toContain('Not configured.');
    expect(await world.app.get(ReconciliationRuns).reconciledUntil()).toBeUndefined();
  });

  it('keeps what was found of it, open and waived', async () => {
    const finding = { kind: 'balance_unlisted', amount: usd(5n), since: new Date(), suggestedCause: 'Nobody knows.' };
    await world.app.get(DatabaseService).transaction((tx) =>
      world.app.get(DiscrepancyStore).record(tx, 'stripe', [
        { ...finding, ref: 'a' },
        { ...finding, ref: 'b' },
      ]),
    );
    const [first] = await operator.discrepancies('side=stripe');
    const waiver = { by: 'Ada', reason: 'From before.', waive: true };
    expect((await operator.ask(`/admin/discrepancies/${first.id}/resolve`, waiver)).status).toBe(200);
    const before = await operator.discrepancies('side=stripe');
    await operator.reconcile();
    expect(await operator.discrepancies('side=stripe')).toEqual(before);
    expect(await operator.report()).toMatchObject({ verdict: 'open', open: [{ ref: 'b' }], waived: [{ ref: 'a' }] });
  });

  it('fails, and says why, when the books have something of it', async () => {
    await world.app
      .get(DatabaseService)
      .query(
        `INSERT INTO ledger_accounts (code, asset, guarded) VALUES ('chain:eip155:8453:USDC:0x${'a'.repeat(40)}', 'USDC', false)`,
      );
    expect(sidesOf(await operator.reconcile('chain'))).toEqual(['chain skipped']);
    await world.app.get(DatabaseService).query(
      `INSERT INTO stripe_transactions (id, type, reporting_category, currency, amount_minor, fee_minor, net_minor,
                                        created_at, available_at, state)
       VALUES ('txn_1', 'charge', 'charge', 'usd', 100, 0, 100, now(), now(), 'open')`,
    );
    const run = await operator.reconcile();
    expect([run.state, run.outcomes[0]]).toMatchObject([
      'failed',
      {
        side: 'stripe',
        state: 'failed',
        error: expect.stringContaining('Stripe is not configured, and the books have'),
      },
    ]);
    expect((await operator.report()).verdict).toBe('failed');
  });
});
