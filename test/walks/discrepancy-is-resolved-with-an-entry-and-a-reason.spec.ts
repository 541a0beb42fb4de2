import { stripeClearing, suspense } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { type CardWorld, conclude, startCardWorld } from '../support/card-world';
import { Operator } from '../support/reconciliation-world';

const TOTAL = { asset: 'USD', waived: '0', unexplained: '0' };
const ENTRY = { from: 'stripe:clearing', to: 'suspense', amount: '25' };
const RESOLUTION = { by: 'Ada, finance', reason: 'Stripe gave back a fee of October.', entry: ENTRY };

describe('a movement at Stripe that nothing explains', () => {
  let world: CardWorld;
  let operator: Operator;
  let id: string;

  beforeAll(async () => {
    world = await startCardWorld();
    operator = new Operator(world.app);
    await world.press('balance_transactions', { type: 'adjustment', amount: 2500, description: 'by hand' });
  });
  afterAll(() => world?.stop());

  const resolve = (body: unknown) => operator.ask(`/admin/discrepancies/${id}/resolve`, body);
  const balanceOf = async (account: ReturnType<typeof suspense>) =>
    (await world.app.app.get(LedgerAccountsService).balance(account)).posted.atoms;

  it('is told with its age, amount and a likely cause, and nothing is booked', async () => {
    expect(await operator.reconcile('stripe')).toMatchObject({ state: 'finished', outcomes: [{ found: 1 }] });
    const [found] = await operator.discrepancies('state=open');
    expect(found).toMatchObject({
      ...{
        side: 'stripe',
        kind: 'transaction_unexplained',
        ref: expect.stringMatching(/^txn_/),
        amount: '25',
        ageDays: 0,
      },
      ...{ suggestedCause: expect.stringContaining('Stripe corrected the balance by hand'), resolution: null },
    });
    id = found.id;
    expect(await balanceOf(stripeClearing())).toBe(0n);
    const { verdict, sides } = await operator.report('stripe');
    expect([verdict, sides[0].totals]).toEqual([
      'open',
      [{ ...TOTAL, difference: '25', open: '25', resolvedSince: '0' }],
    ]);
  });

  it.each([
    [400, 'resolution_account_not_allowed', { ...RESOLUTION, entry: { ...ENTRY, to: 'customer:cus_1:credits' } }],
    [400, 'resolution_account_not_allowed', { ...RESOLUTION, entry: { ...ENTRY, to: 'revenue:inference' } }],
    [400, 'resolution_account_not_allowed', { ...RESOLUTION, entry: { ...ENTRY, to: ENTRY.from } }],
    [409, 'discrepancy_amount_changed', { ...RESOLUTION, entry: { ...ENTRY, amount: '24.99' } }],
    [400, 'resolution_unclear', { ...RESOLUTION, waive: true }],
    [400, 'resolution_unclear', { ...RESOLUTION, entry: undefined }],
    [400, 'invalid_request', { ...RESOLUTION, reason: '' }],
    [400, 'invalid_request', { ...RESOLUTION, by: undefined }],
  ])('is not resolved by what answers %i %s (%#)', async (status, code, body) => {
    const answer = await resolve(body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  it('is resolved by the operator alone', async () => {
    const { key } = await world.customer();
    expect((await world.ask(key, `/admin/discrepancies/${id}/resolve`, RESOLUTION)).status).toBe(403);
    expect((await operator.ask('/admin/discrepancies/dis_none/resolve', RESOLUTION)).status).toBe(404);
  });

  it('is resolved once by one entry, however often that is asked for', async () => {
    const answers = await Promise.all([1, 2, 3, 4].map(() => resolve(RESOLUTION)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    const entries = new Set(answers.map(({ body }) => body.resolution.entryId));
    expect(entries.size).toBe(1);
    expect(answers[0]?.body).toMatchObject({
      state: 'resolved',
      resolution: { by: RESOLUTION.by, reason: RESOLUTION.reason, from: ENTRY.from, to: ENTRY.to },
    });
    const [posted] = (await operator.ask('/admin/entries?kind=discrepancy_resolved')).body.data;
    expect(posted).toMatchObject({ id: [...entries][0], memo: { discrepancy: id, reason: RESOLUTION.reason } });
    expect([await balanceOf(stripeClearing()), await balanceOf(suspense('USD'))]).toEqual([
      -25_000_000_000n,
      25_000_000_000n,
    ]);
    const other = await resolve({ ...RESOLUTION, by: 'Bob' });
    expect([other.status, other.body.code]).toEqual([409, 'discrepancy_already_resolved']);
  });

  it('leaves nothing unexplained, at once and after the next run', async () => {
    const at = await operator.report('stripe');
    expect([at.verdict, at.sides[0].totals]).toEqual([
      'clean',
      [{ ...TOTAL, difference: '25', open: '0', resolvedSince: '25' }],
    ]);
    expect((await operator.reconcile('stripe')).outcomes).toMatchObject([{ state: 'done', found: 1, error: null }]);
    const after = await operator.report('stripe');
    expect([after.verdict, after.sides[0].totals]).toEqual([
      'clean',
      [{ ...TOTAL, difference: '0', open: '0', resolvedSince: '0' }],
    ]);
  });

  it('opens anew when its entry is taken back, and is resolved by another one', async () => {
    const [{ resolution }] = await operator.discrepancies('state=resolved');
    const corrected = await operator.ask(`/admin/entries/${resolution.entryId}/corrections`, {
      reason: 'Not October.',
    });
    expect(corrected.status).toBe(201);
    await operator.reconcile('stripe');
    expect(await operator.discrepancies()).toMatchObject([{ id, state: 'open', times: 2, resolution: null }]);
    const again = await resolve({ ...RESOLUTION, reason: 'Stripe gave back a fee of September.' });
    expect(again.body.resolution.entryId).not.toBe(resolution.entryId);
    expect(await operator.reconcile()).toMatchObject({ state: 'finished' });
    expect(await operator.report()).toMatchObject({ verdict: 'clean', open: [], waived: [] });
    await conclude(world);
  });
});
