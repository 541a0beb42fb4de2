import { usd } from '../../src/common/money';
import { CorrectionsService } from '../../src/ledger/corrections.service';
import { stripeFeeCharged, unknownPaymentReceived } from '../../src/ledger/entries';
import { LedgerService } from '../../src/ledger/ledger.service';
import {
  concludeStripeBooks,
  expectToAddUp,
  linesOf,
  startStripeBooksWorld,
  type StripeBooksWorld,
} from '../support/stripe-books-world';

/** What does not match is told, with its amount and its age, and never made to match. */
describe('a reconciliation with Stripe', () => {
  let world: StripeBooksWorld;

  beforeAll(async () => {
    world = await startStripeBooksWorld({ TOPUP_CURRENCIES: 'usd,eur:1.08' });
  });
  afterAll(() => world?.stop());

  const get = <Service>(service: new (...given: never[]) => Service) =>
    world.app.app.get<Service>(service, { strict: false });
  const booked = () => world.database.query('SELECT key FROM journal_keys ORDER BY key');
  const post = async (entry: Parameters<LedgerService['post']>[0]) => {
    const verdict = await get(LedgerService).post(entry);
    if (verdict.verdict !== 'posted') throw new Error(verdict.verdict);
    return verdict.entryId;
  };
  const takeBack = (entryId: string) =>
    get(CorrectionsService).correct({ entryId: BigInt(entryId), reason: 'a test is over' });

  it('books what Stripe does by itself, by its kind', async () => {
    const movements = [
      { type: 'stripe_fee', amount: -500 },
      { type: 'tax_fee', amount: -25 },
      { type: 'topup', amount: 20_000 },
      { type: 'reserve_hold', amount: -3000 },
      { type: 'reserve_release', amount: 1000 },
    ];
    for (const movement of movements) await world.press('balance_transactions', movement);
    await concludeStripeBooks(world);
    expect(await world.house('stripe:fees')).toBe('-5.25');
    expect(await world.house('bank')).toBe('200');
    expect(await world.house('stripe:reserve')).toBe('-20');
    expect(await world.house('stripe:clearing')).toBe('-174.75');
  });

  it('finds a charge that nobody knows, twice the same, and posts nothing for it', async () => {
    const press = (movement: object) => world.press('balance_transactions', movement);
    const charge = await press({ type: 'charge', amount: 1234, fee: 66 });
    const trees = await press({ type: 'climate_order_purchase', amount: -1 });
    const before = await booked();
    const report = await world.reconcile();
    expect(linesOf(report).toSorted()).toEqual(
      [`transaction_unexplained ${charge.id} 11.68`, `transaction_unexplained ${trees.id} -0.01`].toSorted(),
    );
    const causeOf = (ref: string) => report.findings.find((finding) => finding.ref === ref)?.suggestedCause;
    expect(causeOf(charge.id)).toMatch(/refund it, or move it to whom it belongs/);
    expect(causeOf(trees.id)).toMatch(/climate_order_purchase/);
    expectToAddUp(report);
    expect(report.balances[0]?.ours).not.toEqual(report.balances[0]?.theirs);
    expect(await world.reconcile()).toMatchObject({ findings: report.findings });
    expect(await booked()).toEqual(before);
  });

  it('finds a payment that belongs to no top-up in suspense', async () => {
    await world.press('webhooks', { drop: ['*'] });
    const { id } = await world.stripe.paymentIntents.create({
      ...{ amount: 700, currency: 'usd', confirm: true, payment_method: 'pm_card_visa' },
      automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
    });
    const report = await world.reconcile();
    expect(linesOf(report).slice(2)).toEqual([`payment_in_suspense ${id} 0`]);
    expect(report.findings[2]?.suggestedCause).toMatch(/paid 7 USD/);
    expectToAddUp(report);
    expect(await world.house('suspense')).toBe('7');
    await world.press('webhooks', { drop: [] });
  });

  it('finds what is on the books and not at Stripe, until it is taken back', async () => {
    const payment = { paymentIntentId: 'pi_of_another_account', sessionId: 'cs_other' };
    const entryId = await post(unknownPaymentReceived({ ...payment, gross: usd(5n), fee: usd(1n) }));
    const report = await world.reconcile();
    expect(linesOf(report)).toContain(`not_at_stripe entry:${entryId} -0.000000004`);
    expectToAddUp(report);
    const correction = await takeBack(entryId);
    expect(linesOf(await world.reconcile())).toHaveLength(3);
    await takeBack(correction);
    expect(linesOf(await world.reconcile())).toContain(`not_at_stripe entry:${entryId} -0.000000004`);
    // Of all that was posted so far, only this is looked at again.
    expect(await world.database.query('SELECT entry_id::text AS id FROM stripe_unmatched_entries')).toEqual([
      { id: entryId },
    ]);
    const [far] = await world.database.query<any>(
      `SELECT (SELECT entry_id FROM clearing_cursors) = max(entry_id) AS all FROM postings JOIN ledger_accounts a
          ON a.id IN (debit_account_id, credit_account_id) WHERE a.code = 'stripe:clearing'`,
    );
    expect(far).toEqual({ all: true });
  });

  it('finds a fee that the books have otherwise than Stripe, until it is taken back', async () => {
    const { intent: paymentIntentId, customer } = await world.paid(10_000);
    const fee = stripeFeeCharged({ paymentIntentId, customerId: customer.id, fee: usd(30_000_000n) });
    const entryId = await post(fee);
    const report = await world.reconcile();
    const [charge] = await world.database.query<any>(
      'SELECT id FROM stripe_transactions WHERE payment_intent_id = $1',
      [paymentIntentId],
    );
    expect(linesOf(report)).toContain(`amount_differs ${charge.id} 0.03`);
    expectToAddUp(report);
    await takeBack(entryId);
    expect(linesOf(await world.reconcile()).some((line) => line.startsWith('amount_differs'))).toBe(false);
  });

  it('finds what an account settles in another currency, and lets its customer have the credit all the same', async () => {
    await world.press('account', { settlementCurrencies: ['usd', 'eur'] });
    const before = linesOf(await world.reconcile());
    const { key } = await world.customer();
    const { body } = await world.ask(key, '/v1/topups', { amountCents: 10_000, currency: 'eur' });
    await world.press(`checkout/${body.url.split('/').pop()}/pay`);
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ posted: '108' });
    expect((await world.refund(body.id, { amountCents: 3000 })).status).toBe(201);
    expect(await world.balance(key)).toMatchObject({ posted: '75.6' });

    const movements = await world.stripe.balanceTransactions.list({ currency: 'eur' });
    const [refund, charge] = movements.data.map(({ id }) => id);
    const report = await world.reconcile();
    const found = linesOf(report).filter((line) => !before.includes(line));
    const kind = 'settles_in_other_currency';
    expect(found.toSorted()).toEqual([`${kind} ${charge} -108`, `${kind} ${refund} 0`].toSorted());
    expect(report.findings.find(({ ref }) => ref === charge)?.suggestedCause).toMatch(/9680 .* of eur/);
    expectToAddUp(report);
    expect(await world.house('fx:difference')).toBe('0');
  });
});
