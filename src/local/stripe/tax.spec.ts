import type Stripe from 'stripe';
import { type Bench, ref, refusalOf, startBench } from './simulator.fixture';

let bench: Bench;
let stripe: Stripe;

beforeEach(async () => {
  bench = await startBench();
  ({ stripe } = bench);
});
afterEach(() => bench.stop());

const topUp = (
  more: Partial<Stripe.Checkout.SessionCreateParams> = {},
  tax_behavior: 'exclusive' | 'inclusive' = 'exclusive',
) =>
  stripe.checkout.sessions.create({
    line_items: [
      {
        quantity: 1,
        price_data: { currency: 'usd', unit_amount: 2500, product_data: { name: 'Credit' }, tax_behavior },
      },
    ],
    success_url: 'http://127.0.0.1:1/done',
    automatic_tax: { enabled: true },
    ...more,
  });
const register = (country: string, options: object = { type: 'standard' }) =>
  stripe.tax.registrations.create({
    country,
    active_from: 'now',
    country_options: { [country.toLowerCase()]: options },
  });

describe('automatic tax', () => {
  it('collects nothing, and says nothing, where nobody is registered', async () => {
    const session = await topUp();
    expect(session.automatic_tax).toMatchObject({ enabled: true, status: 'requires_location_inputs' });
    const { session: paid } = await bench.press(`checkout/${session.id}/pay`, { country: 'DE' });
    expect(paid).toMatchObject({
      amount_total: 2500,
      total_details: { amount_tax: 0 },
      automatic_tax: { status: 'complete' },
    });
  });

  it('is added where the payer lives, and is not credit', async () => {
    const registration = await register('DE');
    expect(registration).toMatchObject({ status: 'active', country: 'DE' });
    const session = await topUp();
    const { session: paid } = await bench.press(`checkout/${session.id}/pay`, { country: 'DE', name: 'Ada' });
    expect(paid.invoice).toBeNull();
    expect(paid).toMatchObject({
      ...{ amount_subtotal: 2500, amount_total: 2975, total_details: { amount_tax: 475 } },
      customer_details: { name: 'Ada', address: { country: 'DE' } },
    });
    const intent = await stripe.paymentIntents.retrieve(ref(paid.payment_intent), { expand: ['latest_charge'] });
    expect(intent).toMatchObject({ amount_received: 2975, latest_charge: { billing_details: { name: 'Ada' } } });
    const [item] = (await stripe.checkout.sessions.listLineItems(session.id)).data;
    expect(item).toMatchObject({ amount_subtotal: 2500, amount_tax: 475, amount_total: 2975 });
    expect((await bench.press(`checkout/${(await topUp()).id}/pay`, { country: 'FR' })).session.amount_total).toBe(
      2500,
    );
    await stripe.tax.registrations.update(registration.id, { expires_at: 'now' });
    expect((await stripe.tax.registrations.list({ status: 'active' })).data).toEqual([]);
  });

  it('is on the invoice that Checkout makes when asked to', async () => {
    await register('DE');
    const session = await topUp({ invoice_creation: { enabled: true } });
    const { session: paid } = await bench.press(`checkout/${session.id}/pay`, { country: 'DE', name: 'Ada' });
    const invoice = await stripe.invoices.retrieve(ref(paid.invoice));
    expect(invoice).toMatchObject({
      ...{ status: 'paid', customer_name: 'Ada', subtotal: 2500, total: 2975, total_excluding_tax: 2500 },
      lines: { data: [{ description: 'Credit', amount: 2500 }] },
    });
    expect(await (await fetch(invoice.hosted_invoice_url ?? '')).text()).toContain('$29.75 paid by Ada');
    expect((await stripe.events.list({ type: 'invoice.paid' })).data).toHaveLength(1);
  });

  it('may be inside the price, in a state, and of the whole EU', async () => {
    await register('IE', { type: 'oss_union' });
    await register('US', { type: 'state_sales_tax', state: 'TX' });
    const within = await topUp({}, 'inclusive');
    expect((await bench.press(`checkout/${within.id}/pay`, { country: 'FR' })).session).toMatchObject({
      ...{ amount_total: 2500, total_details: { amount_tax: 417 } },
    });
    const pay = async (where: object) => (await bench.press(`checkout/${(await topUp()).id}/pay`, where)).session;
    expect(await pay({ country: 'US', state: 'TX' })).toMatchObject({ total_details: { amount_tax: 156 } });
    expect(await pay({ country: 'US', state: 'NY' })).toMatchObject({ total_details: { amount_tax: 0 } });
  });

  it('is known at once for a customer with an address, and asks for one otherwise', async () => {
    await register('DE');
    const { id: known } = await stripe.customers.create({ address: { country: 'DE' } });
    expect(await topUp({ customer: known })).toMatchObject({
      amount_total: 2975,
      automatic_tax: { status: 'complete' },
    });
    const { id: customer } = await stripe.customers.create();
    expect(await refusalOf(topUp({ customer }))).toMatchObject({ code: 'customer_tax_location_invalid' });
    const session = await topUp({ customer, customer_update: { address: 'auto' } });
    await bench.press(`checkout/${session.id}/pay`, { country: 'DE' });
    expect((await stripe.customers.retrieve(customer)) as object).toMatchObject({ address: { country: 'DE' } });
    expect(await topUp({ customer })).toMatchObject({ amount_total: 2975 });
  });

  it('is owed by a business itself that shows its tax id', async () => {
    await register('DE');
    const { id: customer } = await stripe.customers.create();
    const collects = { customer, tax_id_collection: { enabled: true } } as const;
    expect(await refusalOf(topUp({ ...collects, customer_update: { address: 'auto' } }))).toMatchObject({
      param: 'customer_update[name]',
    });
    const session = await topUp({ ...collects, customer_update: { address: 'auto', name: 'auto' } });
    expect(await (await fetch(session.url ?? '')).text()).toContain('id="tax-id"');
    const page = new URLSearchParams({
      ...{ number: '4242424242424242', expiry: '12 / 40', cvc: '123', country: 'de', name: 'Acme GmbH' },
      tax_id: 'DE123456789',
    });
    await fetch(`${session.url}/pay`, { method: 'POST', body: page, redirect: 'manual' });
    expect(await stripe.checkout.sessions.retrieve(session.id)).toMatchObject({
      ...{ status: 'complete', total_details: { amount_tax: 0 } },
      customer_details: { tax_ids: [{ type: 'eu_vat', value: 'DE123456789' }] },
    });
    const [taxId] = (await stripe.customers.listTaxIds(customer)).data;
    expect(taxId).toMatchObject({ type: 'eu_vat', value: 'DE123456789', country: 'DE' });
    await stripe.customers.deleteTaxId(customer, taxId?.id ?? '');
    expect((await topUp({ customer })).amount_total).toBe(2975);
  });
});
