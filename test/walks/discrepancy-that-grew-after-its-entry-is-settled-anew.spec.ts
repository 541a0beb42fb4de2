import { usd, usdc } from '../../src/common/money';
import type { Finding } from '../../src/common/reconciliation-side';
import { DatabaseService } from '../../src/database/database.service';
import { stripeClearing } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { DiscrepancyStore } from '../../src/reconciliation/discrepancy-store.service';
import { startTestApp, type TestApp } from '../support/app';
import { Operator } from '../support/reconciliation-world';

const BY = { by: 'Ada, finance', reason: 'Seen in the dashboard.' };
const GROWING = { kind: 'amount_differs', ref: 'txn_1', account: 'stripe:clearing' };

describe('what settles a discrepancy', () => {
  let world: TestApp;
  let operator: Operator;

  beforeAll(async () => {
    world = await startTestApp();
    operator = new Operator(world);
  });
  afterAll(() => world?.stop());

  /** As if a run of that side had found this, and nothing else. @returns its id */
  const found = async (side: 'stripe' | 'chain', finding: Omit<Finding, 'since' | 'suggestedCause'>) => {
    const findings = [{ ...finding, since: new Date(), suggestedCause: 'Nobody knows.' }];
    await world.app
      .get(DatabaseService)
      .transaction((tx) => world.app.get(DiscrepancyStore).record(tx, side, findings));
    const [one] = (await operator.discrepancies(`side=${side}&state=open`)).filter(({ ref }) => ref === finding.ref);
    return one;
  };
  const resolve = async ({ id }: { id: string }, more: object) => {
    const { status, body } = await operator.ask(`/admin/discrepancies/${id}/resolve`, { ...BY, ...more });
    return [status, body.code ?? body.state, body.resolution?.entryId ?? body.entryId ?? null];
  };
  const entry = (amount: string) => ({ entry: { from: 'stripe:clearing', to: 'suspense', amount } });
  const clearing = async () => (await world.app.get(LedgerAccountsService).balance(stripeClearing())).posted.atoms;

  it('moves the account that differs, the way that the sign says', async () => {
    const more = await found('stripe', { ...GROWING, ref: 'txn_more', amount: usd(25_000_000_000n) });
    const back = { from: 'suspense', to: 'stripe:clearing', amount: '25' };
    expect(await resolve(more, { entry: back })).toEqual([400, 'resolution_moves_the_wrong_way', null]);
    const beside = { from: 'suspense', to: 'expense:writeoff', amount: '25' };
    expect(await resolve(more, { entry: beside })).toEqual([400, 'resolution_moves_the_wrong_way', null]);
    const less = await found('stripe', { ...GROWING, ref: 'txn_less', amount: usd(-25_000_000_000n) });
    expect(await resolve(less, entry('25'))).toEqual([400, 'resolution_moves_the_wrong_way', null]);
    expect(await clearing()).toBe(0n);
    expect(await resolve(less, { entry: back })).toEqual([200, 'resolved', expect.anything()]);
    expect(await clearing()).toBe(25_000_000_000n);
  });

  it('is no entry where the money is booked, or will be', async () => {
    const payout = await found('stripe', { kind: 'payout_difference', ref: 'po_1', amount: usd(-90n) });
    expect(await resolve(payout, entry('0.00000009'))).toEqual([409, 'discrepancy_takes_no_entry', null]);
    const stuck = await found('chain', { kind: 'unbooked_inbound', ref: 'eip155:1:0x1:0', amount: usdc(5n) });
    const out = { from: 'suspense', to: 'expense:writeoff', amount: '0.000005' };
    expect(await resolve(stuck, { entry: out })).toEqual([409, 'discrepancy_takes_no_entry', null]);
    expect(await resolve(stuck, { waive: true })).toEqual([200, 'resolved', null]);
  });

  it('is one entry: when the amount changes, the old one is taken back before another one', async () => {
    const before = await clearing();
    const at25 = await found('stripe', { ...GROWING, amount: usd(25_000_000_000n) });
    const [, , entryId] = await resolve(at25, entry('25'));
    const at55 = await found('stripe', { ...GROWING, amount: usd(55_000_000_000n) });
    expect(at55).toMatchObject({ id: at25.id, times: 2, amount: '55' });
    expect(at55.suggestedCause).toContain(`Entry ${entryId} settled it at another amount and still stands`);
    expect(await resolve(at55, entry('55'))).toEqual([409, 'discrepancy_entry_stands', entryId]);
    expect(await resolve(at55, { waive: true })).toEqual([409, 'discrepancy_entry_stands', entryId]);
    // Further runs, and a time without it, do not make the entry forgotten.
    await found('stripe', { ...GROWING, ref: 'txn_2', amount: usd(1n) });
    await found('stripe', { ...GROWING, amount: usd(55_000_000_000n) });
    expect(await resolve(at55, entry('55'))).toEqual([409, 'discrepancy_entry_stands', entryId]);
    expect(await clearing()).toBe(before - 25_000_000_000n);

    const taken = await operator.ask(`/admin/entries/${entryId}/corrections`, { reason: 'It is 55 by now.' });
    expect(taken.status).toBe(201);
    expect(await resolve(at55, entry('55'))).toEqual([200, 'resolved', expect.anything()]);
    expect(await clearing()).toBe(before - 55_000_000_000n);
  });
});
