import type Stripe from 'stripe';
import { changedFields } from './customers';
import { idOf, newId } from './ids';
import { listPage } from './list-page';
import { type Decline } from './decline';
import { type Call, type Route } from './route';
import { type Simulation } from './simulation';
import { noSuch } from './stripe-fault';

/** https://docs.stripe.com/api/charges: made by PaymentIntents only, never by the API's own create call */
export const chargeRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/charges', handle: list },
  { method: 'GET', path: '/v1/charges/:id', handle: ({ sim, params, id }) => (params.only(), requireCharge(sim, id)) },
  { method: 'POST', path: '/v1/charges/:id', handle: update },
];

/** A charge for an intent: succeeded, pending (the bank takes days), or failed with a decline. Not announced here. */
export function newCharge(
  sim: Simulation,
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  result: 'pending' | 'succeeded' | Decline,
  authenticated: boolean,
): Stripe.Charge {
  const decline = typeof result === 'string' ? null : result;
  const id = newId(method.type === 'card' ? 'ch' : 'py');
  return sim.store.put('charges', {
    id,
    object: 'charge',
    amount: intent.amount,
    amount_captured: result === 'succeeded' ? intent.amount : 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: null,
    billing_details: method.billing_details,
    calculated_statement_descriptor: intent.statement_descriptor ?? 'STRIPE SIMULATOR',
    captured: result === 'succeeded',
    created: sim.now(),
    currency: intent.currency,
    customer: idOf(intent.customer),
    description: intent.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: decline?.code ?? null,
    failure_message: decline?.message ?? null,
    fraud_details: {},
    livemode: false,
    metadata: { ...intent.metadata },
    on_behalf_of: null,
    outcome: outcomeOf(decline),
    paid: result === 'succeeded',
    payment_intent: intent.id,
    payment_method: method.id,
    payment_method_details: detailsOf(intent, method, decline, authenticated),
    receipt_email: intent.receipt_email,
    receipt_number: null,
    receipt_url: null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: intent.statement_descriptor,
    statement_descriptor_suffix: intent.statement_descriptor_suffix,
    status: decline !== null ? 'failed' : result === 'pending' ? 'pending' : 'succeeded',
    transfer_data: null,
    transfer_group: null,
  });
}

/** https://docs.stripe.com/api/charges/object#charge_object-outcome */
export function outcomeOf(decline: Decline | null): Stripe.Charge.Outcome {
  return {
    advice_code: decline?.advice_code ?? null,
    network_advice_code: null,
    network_decline_code: null,
    network_status: decline === null ? 'approved_by_network' : 'declined_by_network',
    reason: decline?.decline_code ?? null,
    risk_level: 'normal',
    risk_score: 20,
    seller_message:
      decline === null ? 'Payment complete.' : 'The bank did not return any further details with this decline.',
    type: decline === null ? 'authorized' : 'issuer_declined',
  };
}

function detailsOf(
  intent: Stripe.PaymentIntent,
  method: Stripe.PaymentMethod,
  decline: Decline | null,
  authenticated: boolean,
): Stripe.Charge.PaymentMethodDetails {
  const { card, us_bank_account: bank } = method;
  if (bank !== undefined) {
    const { account_holder_type, account_type, bank_name, fingerprint, last4, routing_number } = bank;
    const seen = {
      account_holder_type,
      account_type,
      bank_name,
      fingerprint,
      last4,
      routing_number,
      payment_reference: null,
    };
    return { type: 'us_bank_account', us_bank_account: seen };
  }
  if (card === undefined) return { type: method.type };
  return {
    type: 'card',
    card: {
      amount_authorized: decline === null ? intent.amount : null,
      authorization_code: decline === null ? '123456' : null,
      brand: card.brand,
      checks: { address_line1_check: null, address_postal_code_check: null, cvc_check: cvcCheck(card, decline) },
      country: card.country,
      electronic_commerce_indicator: null,
      exp_month: card.exp_month,
      exp_year: card.exp_year,
      fingerprint: card.fingerprint ?? null,
      funding: card.funding,
      installments: null,
      last4: card.last4,
      mandate: null,
      network: card.brand,
      network_transaction_id: decline === null ? newId('ntx', 12).slice(4) : null,
      regulated_status: card.regulated_status,
      three_d_secure: authenticated
        ? {
            authentication_flow: 'challenge',
            electronic_commerce_indicator: '05',
            exemption_indicator: null,
            result: 'authenticated',
            result_reason: null,
            transaction_id: newId('tds', 12),
            version: '2.2.0',
          }
        : null,
      transaction_link_id: null,
      wallet: null,
    },
  };
}

function cvcCheck(card: Stripe.PaymentMethod.Card, decline: Decline | null): string | null {
  if (card.checks?.cvc_check === null) return null;
  return decline?.code === 'incorrect_cvc' ? 'fail' : 'pass';
}

/** `status` is 404 when the id stands in the path. */
export function requireCharge(sim: Simulation, id: string, status: 400 | 404 = 404): Stripe.Charge {
  const charge = sim.store.get('charges', id);
  if (charge === undefined) throw noSuch('charge', id, status === 404 ? 'id' : 'charge', status);
  return charge;
}

function update({ sim, params, id, caller }: Call): Stripe.Charge {
  params.only('description', 'fraud_details', 'metadata', 'receipt_email');
  const charge = requireCharge(sim, id);
  const before = structuredClone(charge);
  for (const field of ['description', 'receipt_email'] as const) {
    const value = params.optional(field);
    if (value !== undefined) charge[field] = value;
  }
  if (params.has('metadata')) charge.metadata = params.metadata(charge.metadata);
  const report = params.hash('fraud_details')?.oneOf('user_report', ['fraudulent', 'safe'] as const);
  if (report !== undefined) charge.fraud_details = { user_report: report };
  sim.store.put('charges', charge);
  sim.emit(caller, 'charge.updated', charge, changedFields(before, charge));
  return charge;
}

function list(call: Call): object {
  const customer = call.params.optional('customer');
  const intent = call.params.optional('payment_intent');
  const rows = call.sim.store
    .all('charges')
    .filter((row) => (!customer || row.customer === customer) && (!intent || row.payment_intent === intent));
  return listPage(call, rows, ['created', 'customer', 'payment_intent']);
}
