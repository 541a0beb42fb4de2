import type Stripe from 'stripe';
import { type Bench, ref, refusalOf, startBench } from './simulator.fixture';

let bench: Bench;
let stripe: Stripe;

beforeAll(async () => {
  bench = await startBench();
  ({ stripe } = bench);
});
afterAll(() => bench.stop());

async function disputed(body: object = {}): Promise<{ id: string; charge: string }> {
  const charge = ref((await bench.pay('pm_card_visa')).latest_charge);
  const { id } = await bench.press(`charges/${charge}/dispute`, body);
  return { id, charge };
}
const net = (dispute: Stripe.Dispute) => dispute.balance_transactions.map((transaction) => transaction.net);

describe('a dispute', () => {
  it('of a magic card follows its payment: the money and a fee are withdrawn', async () => {
    await bench.news();
    const paid = await bench.pay('pm_card_createDispute');
    const [dispute] = (await stripe.disputes.list({ payment_intent: paid.id })).data;
    expect(dispute).toMatchObject({ status: 'needs_response', amount: 10_000, is_charge_refundable: false });
    expect(dispute?.balance_transactions).toMatchObject([
      { type: 'adjustment', reporting_category: 'dispute', amount: -10_000, fee: 1500, net: -11_500 },
    ]);
    expect((await bench.news()).slice(-3)).toEqual([
      'charge.updated',
      'charge.dispute.created',
      'charge.dispute.funds_withdrawn',
    ]);
    expect(await refusalOf(stripe.refunds.create({ payment_intent: paid.id }))).toMatchObject({
      code: 'charge_disputed',
    });
    const charge = await stripe.charges.retrieve(ref(paid.latest_charge));
    expect(charge.disputed).toBe(true);
  });

  it('that is won gives everything back', async () => {
    const { id } = await disputed();
    await bench.news();
    const under = await stripe.disputes.update(id, { evidence: { uncategorized_text: 'winning_evidence' } });
    expect(under).toMatchObject({
      status: 'under_review',
      evidence_details: { has_evidence: true, submission_count: 1 },
    });
    const won = await stripe.disputes.retrieve(id);
    expect(won.status).toBe('won');
    expect(net(won)).toEqual([-11_500, 11_500]);
    expect(await bench.news()).toEqual([
      'charge.dispute.updated',
      'charge.dispute.closed',
      'charge.dispute.funds_reinstated',
    ]);
    expect(await refusalOf(stripe.disputes.update(id, { submit: true }))).toMatchObject({ statusCode: 400 });
  });

  it('that is lost leaves it at that, whether the bank, the clock or we say so', async () => {
    const byBank = await disputed();
    await stripe.disputes.update(byBank.id, { evidence: { uncategorized_text: 'losing_evidence' }, submit: false });
    expect((await stripe.disputes.retrieve(byBank.id)).status).toBe('needs_response');
    await stripe.disputes.update(byBank.id, { submit: true });
    const byUs = await disputed();
    expect((await stripe.disputes.close(byUs.id)).status).toBe('lost');
    const byClock = await disputed();
    await bench.press('clock', { advanceSeconds: 10 * 86_400 });
    for (const { id } of [byBank, byUs, byClock]) {
      const lost = await stripe.disputes.retrieve(id);
      expect(lost.status).toBe('lost');
      expect(net(lost)).toEqual([-11_500]);
    }
  });

  it('may keep its fee, come in steps, and be of a part of the payment', async () => {
    await bench.press('account', { disputeFeeReturned: false, disputeFee: 2000 });
    const { id, charge } = await disputed({ amount: 4000, reason: 'product_not_received', withdraw: false });
    expect((await stripe.disputes.retrieve(id)).balance_transactions).toEqual([]);
    await bench.press(`disputes/${id}/withdraw`);
    await expect(bench.press(`disputes/${id}/withdraw`)).rejects.toThrow('cannot be withdrawn');
    await bench.press(`disputes/${id}/review`);
    await bench.press(`disputes/${id}/close`, { outcome: 'won', reinstate: false });
    expect(net(await stripe.disputes.retrieve(id))).toEqual([-6000]);
    await bench.press(`disputes/${id}/reinstate`);
    expect(net(await stripe.disputes.retrieve(id, { expand: ['charge'] }))).toEqual([-6000, 4000]);
    await expect(bench.press(`disputes/${id}/close`, { outcome: 'lost' })).rejects.toThrow('cannot lose');
    expect((await stripe.charges.retrieve(charge)).disputed).toBe(true);
    await bench.press('account', { disputeFeeReturned: true, disputeFee: 1500 });
  });

  it('that is an inquiry moves no money until it becomes a chargeback', async () => {
    const paid = await bench.pay('pm_card_createDisputeInquiry');
    const [inquiry] = (await stripe.disputes.list({ charge: ref(paid.latest_charge) })).data;
    expect(inquiry).toMatchObject({
      status: 'warning_needs_response',
      is_charge_refundable: true,
      balance_transactions: [],
    });
    await bench.news();
    await bench.press(`disputes/${inquiry?.id}/escalate`);
    expect(await bench.news()).toEqual(['charge.dispute.updated', 'charge.dispute.funds_withdrawn']);
    expect(await stripe.disputes.retrieve(inquiry?.id ?? '')).toMatchObject({
      status: 'needs_response',
      is_charge_refundable: false,
    });
  });

  it('that is an inquiry ends when the payment is refunded', async () => {
    const { id, charge } = await disputed({ inquiry: true });
    await stripe.refunds.create({ charge });
    expect((await stripe.disputes.retrieve(id)).status).toBe('warning_closed');
  });
});

it('an early fraud warning is there to act upon until the payment is refunded', async () => {
  const paid = await bench.pay('pm_card_createIssuerFraudRecord');
  const [warning] = (await stripe.radar.earlyFraudWarnings.list({ payment_intent: paid.id })).data;
  expect(warning).toMatchObject({ actionable: true, charge: ref(paid.latest_charge) });
  await stripe.refunds.create({ payment_intent: paid.id });
  expect((await stripe.radar.earlyFraudWarnings.retrieve(warning?.id ?? '')).actionable).toBe(false);
  const types = (await stripe.events.list({ type: 'radar.early_fraud_warning.*' })).data.map(({ type }) => type);
  expect(types).toEqual(['radar.early_fraud_warning.updated', 'radar.early_fraud_warning.created']);
});
