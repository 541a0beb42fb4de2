import type Stripe from 'stripe';
import { countSession } from './checkout-tax';
import { changedFields } from './customers';
import { idOf } from './ids';
import { addTaxId, taxIdsOf } from './tax-ids';
import { NOBODY, type Simulation } from './simulation';

/** What a person types besides the card; `undefined` where they were not asked. */
export interface Billing {
  name?: string | undefined;
  country?: string | undefined;
  state?: string | undefined;
  postalCode?: string | undefined;
  taxId?: { type: string; value: string } | undefined;
}

/** What the page asks for. A tax needs to know where the payer lives, a tax id whose it is. */
export function asksFor(session: Stripe.Checkout.Session): { address: boolean; taxId: boolean } {
  const taxId = session.tax_id_collection?.enabled === true;
  const address = session.automatic_tax.enabled || session.billing_address_collection === 'required' || taxId;
  return { address, taxId };
}

/** Writes it onto the session and the payment method, and counts the session anew: the tax may be another. */
export function applyBilling(
  sim: Simulation,
  session: Stripe.Checkout.Session,
  method: Stripe.PaymentMethod,
  billing: Billing,
): void {
  const { name, country, state, postalCode, taxId } = billing;
  const details = session.customer_details ?? blankDetails();
  const address = country ? { ...BLANK_ADDRESS, country, state: state ?? null, postal_code: postalCode ?? null } : null;
  session.customer_details = {
    ...details,
    address: address ?? details.address,
    name: name ?? details.name,
    tax_ids: taxId && session.tax_id_collection?.enabled ? [taxId] : details.tax_ids,
  };
  if (method.customer === null) {
    method.billing_details.address = session.customer_details.address;
    method.billing_details.name = session.customer_details.name;
    method.billing_details.email = session.customer_details.email;
  }
  countSession(sim, session);
  const intent = sim.store.get('payment_intents', idOf(session.payment_intent) ?? '');
  if (intent !== undefined) intent.amount = session.amount_total ?? intent.amount;
}

/** After a completed payment: the customer learns what the page was told, as far as `customer_update` allows. */
export function updateCustomer(sim: Simulation, session: Stripe.Checkout.Session): void {
  const customer = sim.store.get('customers', idOf(session.customer) ?? '');
  const allowed = sim.store.get('session_plans', session.id)?.customer_update;
  if (customer === undefined || customer.deleted === true || !allowed) return;
  const before = structuredClone(customer);
  const { address, name, tax_ids: taxIds } = session.customer_details ?? blankDetails();
  if (allowed.address && address) customer.address = address;
  if (allowed.name && name) customer.name = name;
  for (const { type, value } of taxIds ?? []) {
    const known = taxIdsOf(sim, customer.id).some((taxId) => taxId.value === value);
    if (!known && value !== null) addTaxId(sim, customer.id, { type, value }, NOBODY);
  }
  const previous = changedFields(before, customer);
  if (Object.keys(previous).length === 0) return;
  sim.store.put('customers', customer);
  sim.emit(NOBODY, 'customer.updated', customer, previous);
}

const BLANK_ADDRESS: Stripe.Address = {
  ...{ city: null, country: null, line1: null, line2: null, postal_code: null, state: null },
};

function blankDetails(): Stripe.Checkout.Session.CustomerDetails {
  const nobody = { address: null, business_name: null, email: null, individual_name: null, name: null, phone: null };
  return { ...nobody, tax_exempt: 'none', tax_ids: null };
}
