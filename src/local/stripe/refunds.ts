import type Stripe from 'stripe';
import { requireCharge } from './charges';
import { idOf } from './ids';
import { type ListPage, listPage, wholeList } from './list-page';
import { requireIntent } from './payment-intents';
import { refundCharge } from './refund-lifecycle';
import { type Call, type Route } from './route';
import { type Simulation } from './simulation';
import { badParameter, badState, noSuch } from './stripe-fault';

const REASONS = ['duplicate', 'fraudulent', 'requested_by_customer'] as const;
/** Accepted without effect: they concern platforms and currencies of other ways to pay. */
const WITHOUT_EFFECT = ['instructions_email', 'refund_application_fee', 'reverse_transfer'];

/** https://docs.stripe.com/api/refunds */
export const refundRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/refunds', handle: create },
  { method: 'GET', path: '/v1/refunds', handle: list },
  { method: 'GET', path: '/v1/refunds/:id', handle: ({ sim, params, id }) => (params.only(), requireRefund(sim, id)) },
  { method: 'POST', path: '/v1/refunds/:id', handle: update },
  { method: 'POST', path: '/v1/refunds/:id/cancel', handle: cancel },
];

export function requireRefund(sim: Simulation, id: string): Stripe.Refund {
  const refund = sim.store.get('refunds', id);
  if (refund === undefined) throw noSuch('refund', id, 'id', 404);
  return refund;
}

/** What a charge's `refunds` expands to: the newest ten. */
export function refundsOf(sim: Simulation, charge: string): ListPage<Stripe.Refund> {
  const refunds = sim.store.all('refunds').filter((refund) => refund.charge === charge);
  return wholeList(`/v1/charges/${charge}/refunds`, refunds.toReversed().slice(0, 10));
}

function create({ sim, params, caller }: Call): Stripe.Refund {
  params.only('amount', 'charge', 'metadata', 'payment_intent', 'reason', ...WITHOUT_EFFECT);
  const amount = params.optionalInteger('amount', 1);
  const reason = params.oneOf('reason', REASONS) ?? null;
  const intent = params.optional('payment_intent');
  const named = params.optional('charge');
  if (!intent && !named) {
    throw badParameter(
      'parameter_missing',
      'One of the following params should be provided for this request: payment_intent or charge.',
    );
  }
  const ofIntent = intent ? idOf(requireIntent(sim, intent, 400).latest_charge) : null;
  if (intent && ofIntent === null) {
    throw badState(undefined, `This PaymentIntent (${intent}) does not have a successful charge to refund.`);
  }
  const charge = requireCharge(sim, named ?? ofIntent ?? '', 400);
  return refundCharge(sim, charge, { amount, reason, metadata: params.metadata() }, caller);
}

function update({ sim, params, id, caller }: Call): Stripe.Refund {
  params.only('metadata');
  const refund = requireRefund(sim, id);
  const { metadata } = refund;
  refund.metadata = params.metadata(metadata ?? {});
  sim.store.put('refunds', refund);
  sim.emit(caller, 'refund.updated', refund, { metadata });
  return refund;
}

/** https://docs.stripe.com/api/refunds/cancel: the API cancels only what waits for the customer. */
function cancel({ sim, params, id }: Call): Stripe.Refund {
  params.only();
  const { status } = requireRefund(sim, id);
  throw badState(undefined, `You can only cancel a refund with a status of requires_action; this one is ${status}.`);
}

function list(call: Call): object {
  const wanted = (['charge', 'payment_intent'] as const).map((field) => [field, call.params.optional(field)] as const);
  const rows = call.sim.store
    .all('refunds')
    .filter((row) => wanted.every(([field, value]) => !value || row[field] === value));
  return listPage(call, rows, ['charge', 'created', 'payment_intent']);
}
