import type Stripe from 'stripe';
import { requireCustomer } from './customers';
import { type Params } from './params';
import { type Simulation } from './simulation';
import { type SessionPlan } from './tables';
import { badParameter } from './stripe-fault';

/** https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at */
const SHORTEST_LIFE_SECONDS = 30 * 60;
const LONGEST_LIFE_SECONDS = 24 * 3600;
/** A test on a busy machine may compute `expires_at` a moment before it arrives. */
const CLOCK_SLACK_SECONDS = 60;

const MODES = ['payment', 'setup', 'subscription'] as const;
const FUTURE = ['off_session', 'on_session'] as const;
const FIELDS = [
  ...['allow_promotion_codes', 'automatic_tax', 'billing_address_collection', 'cancel_url', 'client_reference_id'],
  ...['currency', 'customer', 'customer_creation', 'customer_email', 'customer_update', 'expires_at'],
  ...['integration_identifier', 'invoice_creation', 'line_items', 'locale', 'metadata', 'mode'],
  ...['payment_intent_data', 'phone_number_collection', 'saved_payment_method_options', 'setup_intent_data'],
  ...['submit_type', 'success_url', 'tax_id_collection', 'ui_mode'],
];
const WITHOUT_EFFECT = [
  ...['adaptive_pricing', 'after_expiration', 'branding_settings', 'consent_collection', 'custom_text'],
  ...['excluded_payment_method_types', 'name_collection', 'payment_method_data', 'payment_method_options'],
];
const INTENT = [
  ...['description', 'metadata', 'receipt_email', 'setup_future_usage'],
  ...['statement_descriptor', 'statement_descriptor_suffix'],
];

/** The parameters of a session's create call that say who pays, how long, and where the browser goes afterwards. */
export interface SessionChoices {
  mode: 'payment' | 'setup';
  customer: Stripe.Customer | null;
  email: string | null;
  urls: { success: string | null; cancel: string | null };
  expiresAt: number;
  customerUpdate: { address: boolean; name: boolean };
}

/** Throws 400 for a parameter that is unknown, or that does not go with another. */
export function readSessionChoices(sim: Simulation, params: Params): SessionChoices {
  params.only(...FIELDS, ...WITHOUT_EFFECT);
  const mode = params.oneOf('mode', MODES) ?? 'payment';
  if (mode === 'subscription') {
    throw badParameter('parameter_invalid', `The simulator covers the modes 'payment' and 'setup'.`, 'mode');
  }
  const [foreign, why] = mode === 'setup' ? ['payment_intent_data', 'payment'] : ['setup_intent_data', 'setup'];
  if (params.has(foreign)) {
    throw badParameter('parameter_invalid', `You can only use \`${foreign}\` in \`${why}\` mode.`, foreign);
  }
  params.oneOf('ui_mode', ['hosted_page'] as const);
  const customerId = params.optional('customer');
  const email = params.optional('customer_email') ?? null;
  if (customerId && email)
    throw badParameter('parameter_invalid', 'You may only specify one of these parameters: customer, customer_email.');
  const urls = { success: readUrl(params, 'success_url', true), cancel: readUrl(params, 'cancel_url', false) };
  const customer = customerId ? requireCustomer(sim, customerId) : null;
  const customerUpdate = readCustomerUpdate(params, customer);
  return { mode, customer, email, urls, expiresAt: readExpiry(sim, params), customerUpdate };
}

/** `payment_intent_data` */
export function readIntentData(params: Params): SessionPlan['intent'] {
  const data = params.hash('payment_intent_data')?.only(...INTENT);
  return {
    description: data?.optional('description') ?? null,
    metadata: data?.metadata() ?? {},
    receipt_email: data?.optional('receipt_email') ?? null,
    setup_future_usage: data?.oneOf('setup_future_usage', FUTURE) ?? null,
    statement_descriptor: data?.optional('statement_descriptor') ?? null,
    statement_descriptor_suffix: data?.optional('statement_descriptor_suffix') ?? null,
  };
}

/** `setup_intent_data`, and the currency that a session of mode `setup` must name. */
export function readSetupData(params: Params): { description: string | null; metadata: Record<string, string> } {
  params.string('currency');
  if (params.has('line_items')) {
    throw badParameter('parameter_invalid', 'You can not pass `line_items` in `setup` mode.', 'line_items');
  }
  const data = params.hash('setup_intent_data')?.only('description', 'metadata');
  return { description: data?.optional('description') ?? null, metadata: data?.metadata() ?? {} };
}

/** `customer_update`, which a tax and a tax id need where the customer exists already. */
function readCustomerUpdate(params: Params, customer: Stripe.Customer | null): SessionChoices['customerUpdate'] {
  if (customer === null) return { address: true, name: true };
  const sent = params.hash('customer_update')?.only('address', 'name', 'shipping');
  const may = (field: string) => sent?.oneOf(field, ['auto', 'never'] as const) === 'auto';
  const update = { address: may('address'), name: may('name') };
  const taxed = params.hash('automatic_tax')?.boolean('enabled') === true;
  if (taxed && !update.address && !customer.address?.country) {
    const message =
      "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid address to the Customer or set either `customer_update[address]` to 'auto' or `customer_update[shipping]` to 'auto' to save the address entered in Checkout to the Customer.";
    throw badParameter('customer_tax_location_invalid', message);
  }
  if (params.hash('tax_id_collection')?.boolean('enabled') === true && !update.name) {
    const message =
      'Tax ID collection requires updating business name on the customer. To enable tax ID collection for an existing customer, please set `customer_update[name]` to `auto`.';
    throw badParameter('parameter_invalid', message, 'customer_update[name]');
  }
  return update;
}

function readExpiry(sim: Simulation, params: Params): number {
  const now = sim.now();
  const at = params.optionalInteger('expires_at') ?? now + LONGEST_LIFE_SECONDS;
  const shortest = now + SHORTEST_LIFE_SECONDS - CLOCK_SLACK_SECONDS;
  if (at >= shortest && at <= now + LONGEST_LIFE_SECONDS + CLOCK_SLACK_SECONDS) return at;
  const message = 'The `expires_at` timestamp must be between 30 minutes and 24 hours after Checkout Session creation.';
  throw badParameter('parameter_invalid', message, 'expires_at');
}

function readUrl(params: Params, name: string, required: boolean): string | null {
  const url = required ? params.string(name) : (params.optional(name) ?? null);
  if (url !== null && !/^https?:\/\/[^/\s]+/.test(url)) throw badParameter('url_invalid', 'Not a valid URL', name);
  return url;
}
