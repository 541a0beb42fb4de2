import type Stripe from 'stripe';
import { type SessionChoices } from './checkout-session-params';
import { newId } from './ids';
import { type Params } from './params';
import { type Simulation } from './simulation';

/**
 * An open session as https://docs.stripe.com/api/checkout/sessions/object describes it. `payment_intent` is null
 * until somebody tries to pay (since API version 2022-08-01); what it costs is for the caller to fill in.
 */
export function newCheckoutSession(sim: Simulation, params: Params, choices: SessionChoices): Stripe.Checkout.Session {
  const { mode, customer, email, urls } = choices;
  const id = newId('cs_test', 58);
  const creation = params.oneOf('customer_creation', ['always', 'if_required'] as const) ?? 'if_required';
  return {
    id,
    object: 'checkout.session',
    ...everySession(),
    allow_promotion_codes: params.boolean('allow_promotion_codes') ?? null,
    amount_subtotal: null,
    amount_total: null,
    automatic_tax: automaticTax(params),
    billing_address_collection: params.oneOf('billing_address_collection', ['auto', 'required'] as const) ?? null,
    cancel_url: urls.cancel,
    client_reference_id: params.optional('client_reference_id') ?? null,
    created: sim.now(),
    currency: params.optional('currency') ?? null,
    customer: customer?.id ?? null,
    customer_creation: customer === null ? creation : null,
    customer_details: customerDetails(customer, email),
    customer_email: email,
    expires_at: choices.expiresAt,
    integration_identifier: params.optional('integration_identifier') ?? null,
    invoice_creation: {
      enabled: params.hash('invoice_creation')?.boolean('enabled') ?? false,
      invoice_data: {
        account_tax_ids: null,
        custom_fields: null,
        description: null,
        footer: null,
        issuer: null,
        metadata: {},
        rendering_options: null,
      },
    },
    locale: params.optional('locale') ?? null,
    metadata: params.metadata(),
    mode,
    payment_status: mode === 'setup' ? 'no_payment_required' : 'unpaid',
    phone_number_collection: { enabled: params.hash('phone_number_collection')?.boolean('enabled') ?? false },
    saved_payment_method_options: savedMethods(params),
    submit_type: params.oneOf('submit_type', ['auto', 'book', 'donate', 'pay'] as const) ?? null,
    success_url: urls.success,
    total_details: mode === 'setup' ? null : { amount_discount: 0, amount_shipping: 0, amount_tax: 0 },
    tax_id_collection: { enabled: params.hash('tax_id_collection')?.boolean('enabled') ?? false, required: 'never' },
    url: `${sim.url}/c/pay/${id}`,
  };
}

/** What every new session of the simulator has in common; made anew, as it may be changed later. */
function everySession() {
  return {
    adaptive_pricing: { enabled: false },
    after_expiration: null,
    allowed_payment_method_types: null,
    client_secret: null,
    collected_information: null,
    consent: null,
    consent_collection: null,
    currency_conversion: null,
    custom_fields: [],
    custom_text: { after_submit: null, shipping_address: null, submit: null, terms_of_service_acceptance: null },
    customer_account: null,
    discounts: [],
    invoice: null,
    livemode: false,
    managed_payments: { enabled: false },
    origin_context: null,
    payment_intent: null,
    payment_link: null,
    payment_method_collection: 'if_required',
    payment_method_configuration_details: null,
    payment_method_options: { card: { request_three_d_secure: 'automatic' } },
    payment_method_types: ['card', 'us_bank_account'],
    permissions: null,
    recovered_from: null,
    setup_intent: null,
    shipping_address_collection: null,
    shipping_cost: null,
    shipping_options: [],
    status: 'open',
    subscription: null,
    ui_mode: 'hosted_page',
    wallet_options: null,
  } satisfies Partial<Stripe.Checkout.Session>;
}

/** The customer as the page knows them; the name and address are asked there, not taken from the customer. */
function customerDetails(
  customer: Stripe.Customer | null,
  email: string | null,
): Stripe.Checkout.Session.CustomerDetails | null {
  const known = customer?.email ?? email;
  if (customer === null && known === null) return null;
  return {
    address: null,
    business_name: null,
    email: known,
    individual_name: null,
    name: null,
    phone: null,
    tax_exempt: customer === null ? 'none' : (customer.tax_exempt ?? 'none'),
    tax_ids: null,
  };
}

/** Without a tax registration Stripe Tax collects nothing and says nothing: `checkout-tax.ts`. */
function automaticTax(params: Params): Stripe.Checkout.Session.AutomaticTax {
  const enabled = params.hash('automatic_tax')?.boolean('enabled') ?? false;
  return {
    enabled,
    liability: enabled ? { type: 'self' } : null,
    provider: enabled ? 'stripe' : null,
    status: enabled ? 'requires_location_inputs' : null,
  };
}

function savedMethods(params: Params): Stripe.Checkout.Session.SavedPaymentMethodOptions {
  const options = params
    .hash('saved_payment_method_options')
    ?.only('allow_redisplay_filters', 'payment_method_remove', 'payment_method_save');
  const filters = options?.strings('allow_redisplay_filters');
  return {
    allow_redisplay_filters: filters?.length ? filters : ['always'],
    payment_method_remove: options?.oneOf('payment_method_remove', ['disabled', 'enabled'] as const) ?? 'disabled',
    payment_method_save: options?.oneOf('payment_method_save', ['disabled', 'enabled'] as const) ?? null,
  };
}
