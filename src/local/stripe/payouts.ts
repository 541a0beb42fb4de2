import type Stripe from 'stripe';
import { availableIn } from './balance';
import { showMoney } from './html';
import { listPage } from './list-page';
import { createPayout, movePayout } from './payout-lifecycle';
import { type Call, type Route } from './route';
import { type Simulation } from './simulation';
import { badState, noSuch } from './stripe-fault';

const METHODS = ['instant', 'standard'] as const;

/** https://docs.stripe.com/api/payouts; those made here are manual */
export const payoutRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/payouts', handle: create },
  { method: 'GET', path: '/v1/payouts', handle: list },
  { method: 'GET', path: '/v1/payouts/:id', handle: ({ sim, params, id }) => (params.only(), requirePayout(sim, id)) },
  { method: 'POST', path: '/v1/payouts/:id', handle: update },
  { method: 'POST', path: '/v1/payouts/:id/cancel', handle: cancel },
];

export function requirePayout(sim: Simulation, id: string): Stripe.Payout {
  const payout = sim.store.get('payouts', id);
  if (payout === undefined) throw noSuch('payout', id, 'payout', 404);
  return payout;
}

function create({ sim, params, caller }: Call): Stripe.Payout {
  params.only('amount', 'currency', 'description', 'metadata', 'method', 'source_type', 'statement_descriptor');
  const amount = params.integer('amount', 1);
  const currency = params.string('currency').toLowerCase();
  const available = availableIn(sim.store, currency);
  if (amount > available) {
    const message = `You have insufficient funds in your Stripe account for this transfer: ${showMoney(available, currency)} are available.`;
    throw badState('balance_insufficient', message);
  }
  const fields = {
    ...{ amount, currency, description: params.optional('description') ?? null, metadata: params.metadata() },
    method: params.oneOf('method', METHODS) ?? 'standard',
    statementDescriptor: params.optional('statement_descriptor') ?? null,
  };
  return createPayout(sim, fields, caller);
}

function update({ sim, params, id, caller }: Call): Stripe.Payout {
  params.only('metadata');
  const payout = requirePayout(sim, id);
  const { metadata } = payout;
  payout.metadata = params.metadata(metadata ?? {});
  sim.store.put('payouts', payout);
  sim.emit(caller, 'payout.updated', payout, { metadata });
  return payout;
}

function cancel({ sim, params, id, caller }: Call): Stripe.Payout {
  params.only();
  const payout = requirePayout(sim, id);
  if (payout.automatic) throw badState(undefined, 'Automatic payouts cannot be canceled.');
  movePayout(sim, payout, 'canceled', caller);
  return payout;
}

function list(call: Call): object {
  const wanted = (['destination', 'status'] as const).map((field) => [field, call.params.optional(field)] as const);
  const rows = call.sim.store
    .all('payouts')
    .filter((row) => wanted.every(([field, value]) => !value || row[field] === value));
  return listPage(call, rows, ['arrival_date', 'created', 'destination', 'status']);
}
