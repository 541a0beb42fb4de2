import type Stripe from 'stripe';
import { busily } from './busy';
import { listPage } from './list-page';
import { type Call, type Route } from './route';
import { badParameter, noSuch } from './stripe-fault';

/** https://docs.stripe.com/api/balance_transactions */
export const balanceTransactionRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/balance_transactions', handle: busily(list) },
  { method: 'GET', path: '/v1/balance_transactions/:id', handle: retrieve },
];

function retrieve({ sim, params, id }: Call): Stripe.BalanceTransaction {
  params.only();
  const found = sim.store.get('balance_transactions', id);
  if (found === undefined) throw noSuch('balance transaction', id, 'id', 404);
  return found;
}

function list(call: Call): object {
  const { sim, params } = call;
  const wanted = (['currency', 'source', 'type'] as const).map((field) => [field, params.optional(field)] as const);
  const paidOut = paidOutBy(call);
  const rows = sim.store
    .all('balance_transactions')
    .filter((row) => wanted.every(([field, value]) => !value || row[field] === value))
    .filter((row) => paidOut === undefined || paidOut.has(row.id));
  return listPage(call, rows, ['created', 'currency', 'payout', 'source', 'type']);
}

/** The ids behind an automatic payout, its own among them: https://docs.stripe.com/payouts/reconciliation */
function paidOutBy({ sim, params }: Call): Set<string> | undefined {
  const id = params.optional('payout');
  if (!id) return undefined;
  const payout = sim.store.get('payouts', id);
  if (payout === undefined) throw noSuch('payout', id, 'payout');
  if (!payout.automatic) {
    const message = 'Balance transaction history can only be filtered on automatic payouts, not manual.';
    throw badParameter('parameter_invalid', message, 'payout');
  }
  const contents = sim.store.get('payout_contents', id);
  return new Set(contents?.transactions.filter((one) => !contents.hidden?.includes(one)));
}
