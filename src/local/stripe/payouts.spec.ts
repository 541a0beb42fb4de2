import type Stripe from 'stripe';
import { type Bench, refusalOf, startBench } from './simulator.fixture';

const DAY = 86_400;
let bench: Bench;
let stripe: Stripe;

beforeEach(async () => {
  bench = await startBench();
  ({ stripe } = bench);
});
afterEach(() => bench.stop());

const all = async <T>(pages: AsyncIterable<T>): Promise<T[]> => {
  const items: T[] = [];
  for await (const item of pages) items.push(item);
  return items;
};
const available = async (currency = 'usd') =>
  (await stripe.balance.retrieve()).available.find((part) => part.currency === currency)?.amount;

describe('payouts', () => {
  it('every night take what is available; what is behind them adds up, page by page', async () => {
    for (let count = 0; count < 12; count += 1) await bench.pay('pm_card_visa', { amount: 1000 });
    const back = await bench.pay('pm_card_visa', { amount: 1000 });
    await stripe.refunds.create({ payment_intent: back.id, amount: 300 });
    expect(await available()).toBe(0);
    await bench.news();
    await bench.press('clock', { advanceSeconds: 5 * DAY });
    const [payout, ...others] = (await stripe.payouts.list()).data;
    expect(others).toEqual([]);
    expect(payout).toMatchObject({
      ...{ automatic: true, status: 'paid', reconciliation_status: 'completed', amount: 13 * 941 - 300 },
      trace_id: { status: 'supported' },
    });
    const told = await bench.news();
    expect(told.filter((type) => /^(payout|balance)/.test(type))).toEqual([
      ...['balance.available', 'payout.created', 'payout.updated', 'payout.reconciliation_completed', 'payout.paid'],
    ]);
    const rows = await all(stripe.balanceTransactions.list({ payout: payout?.id ?? '', limit: 5 }));
    expect(rows).toHaveLength(15);
    const [own] = rows;
    expect(own).toMatchObject({ type: 'payout', net: -(payout?.amount ?? 0) });
    expect(rows.reduce((sum, { net }) => sum + net, 0)).toBe(0);
    expect(await available()).toBe(0);
    expect(rows.slice(1).every(({ status, available_on: on }) => status === 'available' && on % DAY === 0)).toBe(true);
  });

  it('that are made by hand take what we say, at most what is there', async () => {
    await bench.press('account', { payoutSchedule: 'manual' });
    await bench.pay('pm_card_bypassPending');
    expect(await available()).toBe(9680);
    const money = { currency: 'usd', statement_descriptor: 'TOLL' } as const;
    expect(await refusalOf(stripe.payouts.create({ ...money, amount: 9681 }))).toMatchObject({
      code: 'balance_insufficient',
    });
    const payout = await stripe.payouts.create({ ...money, amount: 5000, metadata: { run: '1' } });
    expect(payout).toMatchObject({ automatic: false, status: 'pending', reconciliation_status: 'not_applicable' });
    expect(await refusalOf(stripe.balanceTransactions.list({ payout: payout.id }))).toMatchObject({ statusCode: 400 });
    expect(await available()).toBe(4680);
    await bench.press(`payouts/${payout.id}/advance`);
    expect((await bench.press(`payouts/${payout.id}/advance`)).status).toBe('paid');
    const canceled = await stripe.payouts.cancel((await stripe.payouts.create({ ...money, amount: 680 })).id);
    expect(canceled).toMatchObject({ status: 'canceled' });
    expect(await available()).toBe(4680);
    await bench.press('clock', { advanceSeconds: 3 * DAY });
    expect((await stripe.payouts.list()).data).toHaveLength(2);
  });

  it('that the bank refuses come back, and go out again the next night', async () => {
    await bench.pay('pm_card_bypassPending');
    const { data } = await bench.press('payouts/run');
    await bench.press('clock', { advanceSeconds: 3600 });
    const failed = await bench.press(`payouts/${data[0].id}/fail`, { failure_code: 'account_closed' });
    expect(failed).toMatchObject({ status: 'failed', failure_code: 'account_closed' });
    const whole = await stripe.payouts.retrieve(failed.id, { expand: ['failure_balance_transaction'] });
    expect(whole.failure_balance_transaction).toMatchObject({
      ...{ type: 'payout_failure', amount: 9680, reporting_category: 'payout_reversal' },
    });
    expect(await available()).toBe(9680);
    await bench.press('clock', { advanceSeconds: DAY });
    const [again] = (await stripe.payouts.list()).data;
    expect(again).toMatchObject({ amount: 9680, automatic: true });
    const rows = await all(stripe.balanceTransactions.list({ payout: again?.id ?? '' }));
    expect(rows.map(({ type }) => type)).toEqual(['payout', 'payout_failure']);
    expect(await available()).toBe(0);
  });
});

describe('other currencies', () => {
  it('are converted to that of the account, at the rate of the day', async () => {
    const eur = await bench.pay('pm_card_visa', { currency: 'eur', expand: ['latest_charge.balance_transaction'] });
    expect(eur.latest_charge).toMatchObject({
      currency: 'eur',
      balance_transaction: { amount: 10_800, currency: 'usd', exchange_rate: 1.08, fee: 343, net: 10_457 },
    });
    await bench.press('account', { rates: { eur: '1.1' } });
    const refund = await stripe.refunds.create({
      ...{ payment_intent: eur.id, amount: 5000 },
      expand: ['balance_transaction'],
    });
    expect(refund).toMatchObject({
      currency: 'eur',
      balance_transaction: { amount: -5500, currency: 'usd', exchange_rate: 1.1 },
    });
    const yen = await bench.pay('pm_card_visa', {
      ...{ currency: 'jpy', amount: 1000 },
      expand: ['latest_charge.balance_transaction'],
    });
    expect(yen.latest_charge).toMatchObject({
      amount: 1000,
      balance_transaction: { amount: 670, currency: 'usd', exchange_rate: 0.0067 },
    });
  });

  it('stay what they are when the account settles in them too', async () => {
    await bench.press('account', { settlementCurrencies: ['usd', 'jpy'] });
    await bench.pay('pm_card_bypassPending', { currency: 'jpy', amount: 1000 });
    expect([await available('jpy'), await available('usd')]).toEqual([941, 0]);
  });
});

it('what Stripe books by itself is in the balance too', async () => {
  await bench.press('balance_transactions', { type: 'stripe_fee', amount: -500, description: 'Radar' });
  const [fee] = (await stripe.balanceTransactions.list({ type: 'stripe_fee' })).data;
  expect(fee).toMatchObject({ net: -500, reporting_category: 'fee', source: null });
  expect(await available()).toBe(-500);
});

describe('the test clock', () => {
  it('moves everything that waits for its time', async () => {
    const now = Math.floor(Date.now() / 1000);
    const clock = await stripe.testHelpers.testClocks.create({ frozen_time: now, name: 'month' });
    await bench.pay('pm_card_visa');
    const advanced = await stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: now + 31 * DAY });
    expect(advanced).toMatchObject({ status: 'ready', frozen_time: now + 31 * DAY });
    expect((await stripe.payouts.list()).data).toMatchObject([{ status: 'paid' }]);
    const made = await stripe.customers.create();
    expect(made.created).toBeGreaterThanOrEqual(now + 31 * DAY);
    const back = stripe.testHelpers.testClocks.advance(clock.id, { frozen_time: now });
    expect(await refusalOf(back)).toMatchObject({ statusCode: 400 });
    expect((await stripe.events.list({ created: { gte: now + 31 * DAY } })).data.length).toBeGreaterThan(0);
  });
});
