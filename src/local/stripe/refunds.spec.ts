import type Stripe from 'stripe';
import { type Bench, ref, refusalOf, startBench } from './simulator.fixture';

let bench: Bench;
let stripe: Stripe;

beforeAll(async () => {
  bench = await startBench();
  ({ stripe } = bench);
});
afterAll(() => bench.stop());

const chargeOf = (intent: Stripe.PaymentIntent) => stripe.charges.retrieve(ref(intent.latest_charge));
const transaction = (id: Stripe.Refund['balance_transaction'] | undefined) =>
  stripe.balanceTransactions.retrieve(ref(id ?? null), { expand: ['source'] });
const balance = async () => (await stripe.balance.retrieve()).pending[0]?.amount ?? 0;

describe('a refund', () => {
  it('in parts adds up on the charge, leaves the fee with Stripe, and ends at what was paid', async () => {
    const paid = await bench.pay('pm_card_visa');
    const before = await balance();
    await bench.news();
    const first = await stripe.refunds.create({
      payment_intent: paid.id,
      amount: 3000,
      reason: 'requested_by_customer',
      metadata: { mine: '1' },
    });
    expect(first).toMatchObject({ status: 'succeeded', amount: 3000, currency: 'usd', metadata: { mine: '1' } });
    expect(await transaction(first.balance_transaction)).toMatchObject({
      ...{ type: 'refund', reporting_category: 'refund', amount: -3000, fee: 0, net: -3000 },
      source: { id: first.id, object: 'refund' },
    });
    await stripe.refunds.create({ charge: ref(paid.latest_charge), amount: 2000 });
    expect(await chargeOf(paid)).toMatchObject({ amount_refunded: 5000, refunded: false });
    expect(await bench.news()).toEqual(['refund.created', 'charge.refunded', 'refund.created', 'charge.refunded']);
    const [newest, earlier] = (await stripe.events.list({ type: 'charge.refunded' })).data;
    expect(
      [newest, earlier].map((event) => (event?.data.object as Stripe.Charge | undefined)?.amount_refunded),
    ).toEqual([5000, 3000]);
    const tooMuch = await refusalOf(stripe.refunds.create({ payment_intent: paid.id, amount: 5001 }));
    expect(tooMuch).toMatchObject({ statusCode: 400, param: 'amount' });
    expect((await stripe.refunds.create({ payment_intent: paid.id })).amount).toBe(5000);
    expect(await chargeOf(paid)).toMatchObject({ amount_refunded: 10_000, refunded: true });
    expect(await refusalOf(stripe.refunds.create({ payment_intent: paid.id }))).toMatchObject({
      code: 'charge_already_refunded',
    });
    expect(await balance()).toBe(before - 10_000);
    const whole = await stripe.charges.retrieve(ref(paid.latest_charge), {
      expand: ['refunds.data.balance_transaction'],
    });
    expect(whole.refunds?.data.map(({ amount }) => amount)).toEqual([5000, 2000, 3000]);
    expect(whole.refunds?.data[0]?.balance_transaction).toMatchObject({ amount: -5000 });
    expect((await stripe.refunds.list({ payment_intent: paid.id })).data).toHaveLength(3);
    expect(await (await fetch(whole.receipt_url ?? '')).text()).toContain('$100.00 of it went back');
  });

  it('started in the dashboard is told without a request behind it', async () => {
    const paid = await bench.pay('pm_card_visa');
    const refund = await bench.press(`charges/${ref(paid.latest_charge)}/refund`, { amount: 400, reason: 'duplicate' });
    const [event] = (await stripe.events.list({ type: 'refund.created' })).data;
    expect(event).toMatchObject({ request: { id: null, idempotency_key: null }, data: { object: { id: refund.id } } });
  });

  it('that is pending succeeds by itself after a while', async () => {
    const paid = await bench.pay('pm_card_pendingRefund');
    const refund = await stripe.refunds.create({ payment_intent: paid.id });
    expect(refund).toMatchObject({ status: 'pending', pending_reason: 'processing' });
    expect(await refusalOf(stripe.refunds.cancel(refund.id))).toMatchObject({ statusCode: 400 });
    await bench.news();
    await bench.press('clock', { advanceSeconds: 86_400 });
    expect((await stripe.refunds.retrieve(refund.id)).status).toBe('succeeded');
    expect(await bench.news()).toContain('refund.updated');
  });

  it('that fails afterwards comes back to the balance, and may be tried again', async () => {
    const paid = await bench.pay('pm_card_refundFail');
    const before = await balance();
    const refund = await stripe.refunds.create({ payment_intent: paid.id });
    expect(refund.status).toBe('succeeded');
    await bench.news();
    await bench.press(`refunds/${refund.id}/settle`, { outcome: 'failed', failure_reason: 'lost_or_stolen_card' });
    const failed = await stripe.refunds.retrieve(refund.id, { expand: ['failure_balance_transaction'] });
    expect(failed).toMatchObject({
      status: 'failed',
      failure_reason: 'lost_or_stolen_card',
      failure_balance_transaction: { type: 'refund_failure', amount: 10_000, fee: 0 },
    });
    expect(await bench.news()).toEqual(['refund.updated', 'refund.failed']);
    expect(await chargeOf(paid)).toMatchObject({ amount_refunded: 0, refunded: false });
    expect(await balance()).toBe(before);
    await expect(bench.press(`refunds/${refund.id}/settle`, { outcome: 'failed' })).rejects.toThrow('cannot become');
    await bench.press('clock', { advanceSeconds: 2 * 86_400 });
    expect((await stripe.refunds.create({ payment_intent: paid.id, amount: 10_000 })).amount).toBe(10_000);
  });

  it('of nothing that was paid is refused', async () => {
    const open = await stripe.paymentIntents.create({ amount: 500, currency: 'usd' });
    expect(await refusalOf(stripe.refunds.create({ payment_intent: open.id }))).toMatchObject({ statusCode: 400 });
    expect(await refusalOf(stripe.refunds.create({ payment_intent: 'pi_none' }))).toMatchObject({
      code: 'resource_missing',
    });
    expect(await refusalOf(stripe.refunds.create({}))).toMatchObject({ code: 'parameter_missing' });
  });
});
