import { type Bench, ref, refusalOf, startBench } from './simulator.fixture';
import { type StripeShapes, readStripeShapes } from './stripe-shapes.fixture';

type Json = Record<string, unknown>;

const DAY = 86_400;
const URLS = { success_url: 'http://127.0.0.1:1/done', cancel_url: 'http://127.0.0.1:1/cancel' };
const seen = new Map<string, Json[]>();
let shapes: StripeShapes;
let bench: Bench;

beforeAll(() => {
  shapes = readStripeShapes();
});
beforeAll(async () => {
  const answers: Array<Promise<void>> = [];
  bench = await startBench({}, (answer) => void answers.push(answer.json().then((body) => keep(body as Json))));
  await everything();
  await Promise.all(answers);
});
afterAll(() => bench.stop());

/** Notes an answer: the object itself, those of a list, and what an event tells of. */
function keep(object: Json): void {
  if (object['error'] !== undefined || object['deleted'] === true) return;
  if (object['object'] === 'list') {
    (object['data'] as Json[]).forEach(keep);
    return;
  }
  const name = String(object['object']);
  seen.set(name, [...(seen.get(name) ?? []), object]);
  if (name === 'event') keep((object['data'] as { object: Json }).object);
}

/** Has the simulator answer with every kind of object, in as many states as there are. */
async function everything(): Promise<void> {
  const { stripe } = bench;
  await stripe.webhookEndpoints.create({ url: 'http://127.0.0.1:1/none', enabled_events: ['charge.refunded'] });
  await stripe.webhookEndpoints.list();
  await bench.press('webhooks', { paused: true });
  await stripe.tax.registrations.create({
    country: 'DE',
    active_from: 'now',
    country_options: { de: { standard: { place_of_supply_scheme: 'standard' }, type: 'standard' } },
  });
  await stripe.tax.registrations.list();
  const { customer, method } = await bench.customerWithCard();
  await stripe.customers.createTaxId(customer, { type: 'eu_vat', value: 'DE123456789' });
  await stripe.customers.update(customer, {
    address: { country: 'DE' },
    invoice_settings: { default_payment_method: method },
  });
  const product = await stripe.products.create({ name: 'Credit' });
  const price = await stripe.prices.create({ product: product.id, currency: 'usd', unit_amount: 5000 });
  await checkouts(customer, price.id);
  await payments(customer, method);
  await complaints();
  await bench.press('clock', { advanceSeconds: 5 * DAY });
  const clock = await stripe.testHelpers.testClocks.create({ frozen_time: Math.floor(Date.now() / 1000) });
  await stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: Math.floor(Date.now() / 1000) + 20 * DAY });
  const [payout] = (await stripe.payouts.list({ expand: ['data.balance_transaction'] })).data;
  await stripe.balanceTransactions.list({ payout: payout?.id ?? '', expand: ['data.source'], limit: 100 });
  await bench.press(`payouts/${payout?.id}/fail`);
  await stripe.payouts.retrieve(payout?.id ?? '', { expand: ['failure_balance_transaction.source'] });
  await bench.pay('pm_card_bypassPending');
  await stripe.payouts.create({ amount: 1000, currency: 'usd' });
  await stripe.balance.retrieve();
  await bench.news();
}

async function checkouts(customer: string, price: string): Promise<void> {
  const { stripe } = bench;
  const common = { ...URLS, line_items: [{ price, quantity: 2 }] };
  const session = await stripe.checkout.sessions.create({
    ...{ ...common, customer, client_reference_id: 'c1', metadata: { a: 'b' } },
    payment_intent_data: { setup_future_usage: 'off_session', metadata: { a: 'b' } },
    automatic_tax: { enabled: true },
    saved_payment_method_options: { payment_method_save: 'enabled' },
    tax_id_collection: { enabled: true },
    customer_update: { address: 'auto', name: 'auto' },
    invoice_creation: { enabled: true },
  });
  await bench.press(`checkout/${session.id}/pay`, { card: '4000000000009995' });
  await bench.press(`checkout/${session.id}/pay`, { country: 'DE', name: 'Ada' });
  await stripe.checkout.sessions.retrieve(session.id, {
    expand: ['line_items', 'customer', 'payment_intent.latest_charge.balance_transaction'],
  });
  await stripe.checkout.sessions.listLineItems(session.id);
  const later = await stripe.checkout.sessions.create({ ...common, customer_email: 'ada@example.com' });
  await bench.press(`checkout/${later.id}/pay_later`);
  await stripe.checkout.sessions.retrieve(later.id, { expand: ['payment_intent.payment_method'] });
  await bench.press(`checkout/${later.id}/settle_async`, { outcome: 'succeeded' });
  const paid = await stripe.checkout.sessions.retrieve(later.id);
  await stripe.refunds.create({ payment_intent: ref(paid.payment_intent) });
  const failing = await stripe.checkout.sessions.create(common);
  await bench.press(`checkout/${failing.id}/pay_later`);
  await bench.press(`checkout/${failing.id}/settle_async`, { outcome: 'failed' });
  const setup = await stripe.checkout.sessions.create({ ...URLS, mode: 'setup', currency: 'usd', customer });
  await bench.press(`checkout/${setup.id}/pay`, { card: '4000000000000069' });
  await bench.press(`checkout/${setup.id}/pay`, { card: '4000002500003155' });
  await stripe.setupIntents.list();
  await bench.press(`checkout/${setup.id}/authenticate`, { outcome: 'succeeded' });
  const expired = await stripe.checkout.sessions.create(common);
  await stripe.checkout.sessions.expire(expired.id);
}

async function payments(customer: string, method: string): Promise<void> {
  const { stripe } = bench;
  await bench.pay(method, { customer, off_session: true, metadata: { a: 'b' } });
  await refusalOf(bench.pay('pm_card_chargeDeclinedLostCard'));
  await refusalOf(bench.pay('pm_card_authenticationRequired', { off_session: true }));
  const asked = await bench.pay('pm_card_authenticationRequired', { return_url: 'http://127.0.0.1:1/back' });
  await bench.press(`payment_intents/${asked.id}/authenticate`, { outcome: 'succeeded' });
  const failed = await bench.pay('pm_card_authenticationRequired');
  await bench.press(`payment_intents/${failed.id}/authenticate`, { outcome: 'failed' });
  await stripe.paymentIntents.cancel(failed.id);
  const setup = await stripe.setupIntents.create({ customer, payment_method: 'pm_card_visa', confirm: true });
  await stripe.paymentMethods.detach(ref(setup.payment_method));
  for (const card of ['pm_card_visa', 'pm_card_pendingRefund', 'pm_card_refundFail']) {
    const paid = await bench.pay(card, { currency: 'eur' });
    await stripe.refunds.create({ payment_intent: paid.id, amount: 500, expand: ['charge', 'balance_transaction'] });
  }
  await stripe.charges.list({ expand: ['data.refunds', 'data.payment_intent'] });
}

async function complaints(): Promise<void> {
  const { stripe } = bench;
  for (const card of ['pm_card_createDispute', 'pm_card_createDisputeInquiry', 'pm_card_createIssuerFraudRecord']) {
    await bench.pay(card);
  }
  const [inquiry, dispute] = (await stripe.disputes.list({ expand: ['data.charge'] })).data;
  await stripe.disputes.update(dispute?.id ?? '', { evidence: { uncategorized_text: 'winning_evidence' } });
  await stripe.disputes.update(inquiry?.id ?? '', { evidence: { uncategorized_text: 'escalate_inquiry_evidence' } });
  await stripe.radar.earlyFraudWarnings.list({ expand: ['data.charge'] });
}

describe('what the simulator answers', () => {
  it('is of every kind that can be checked, and of no other', () => {
    expect([...seen.keys()].toSorted()).toEqual([...shapes.known].toSorted());
  });

  it('has the shapes of the package’s own types, every object in every state', () => {
    const wrong = [...seen.values()].flat().flatMap((object) => shapes.wrongIn(object));
    expect([...new Set(wrong.map((line) => line.replaceAll(/\[\d+\]/g, '[]')))]).toEqual([]);
  });

  it('was seen in many states', () => {
    const states = (name: string) => new Set(seen.get(name)?.map(({ status }) => status));
    expect(states('payment_intent').size).toBeGreaterThanOrEqual(6);
    expect(states('refund')).toEqual(new Set(['failed', 'pending', 'succeeded']));
    expect(states('dispute')).toEqual(
      new Set(['needs_response', 'warning_needs_response', 'under_review', 'won', 'warning_under_review', 'lost']),
    );
    expect(states('payout')).toEqual(new Set(['pending', 'in_transit', 'paid', 'failed']));
  });

  it('would be found out: a field that is missing, wrong or too many', () => {
    const [charge] = seen.get('charge') ?? [];
    const { amount: _amount, ...without } = charge ?? {};
    expect(shapes.wrongIn(without)).toEqual(['charge.amount is missing, not number']);
    expect(shapes.wrongIn({ ...charge, status: 'paid' })).toEqual([expect.stringMatching(/^charge.status is "paid"/)]);
    expect(shapes.wrongIn({ ...charge, amout: 1 })).toEqual(['charge.amout is not a field']);
    expect(shapes.wrongIn({ ...charge, outcome: { type: 1 } }).length).toBeGreaterThan(0);
  });
});
