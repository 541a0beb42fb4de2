import type Stripe from 'stripe';
import { newId } from './ids';
import { listPage } from './list-page';
import { type Call, type Route } from './route';
import { NOBODY, type Simulation } from './simulation';
import { noSuch } from './stripe-fault';

/** The fee model of the simulator: 2.9 % + 30 of the smallest unit, whatever the currency and the method. */
const FEE_PER_MILLE = 29;
const FEE_FIXED = 30;
/** Money is paid out two business days after the charge (US); the simulator counts plain days. */
const PENDING_SECONDS = 2 * 86_400;

/** https://docs.stripe.com/api/balance_transactions and https://docs.stripe.com/api/balance */
export const balanceRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/balance_transactions', handle: list },
  { method: 'GET', path: '/v1/balance_transactions/:id', handle: retrieve },
  { method: 'GET', path: '/v1/balance', handle: balance },
];

/** 2.9 % (halves up) + 30, in the smallest unit; `amount` is a whole number ≥ 0. */
export function feeFor(amount: number): number {
  return Math.floor((amount * FEE_PER_MILLE + 500) / 1000) + FEE_FIXED;
}

/** Books a charge into the balance: `net = amount − fee`, pending until `available_on`. */
export function bookCharge(sim: Simulation, charge: Stripe.Charge, immediate: boolean): Stripe.BalanceTransaction {
  const now = sim.now();
  const fee = feeFor(charge.amount);
  const { currency } = charge;
  return sim.store.put('balance_transactions', {
    id: newId('txn'),
    object: 'balance_transaction',
    amount: charge.amount,
    available_on: immediate ? now : now + PENDING_SECONDS,
    balance_type: 'payments',
    created: now,
    currency,
    description: charge.description,
    exchange_rate: null,
    fee,
    fee_details: [
      { amount: fee, application: null, currency, description: 'Stripe processing fees', type: 'stripe_fee' },
    ],
    net: charge.amount - fee,
    reporting_category: 'charge',
    source: charge.id,
    status: immediate ? 'available' : 'pending',
    // Stripe calls what does not come from a card a payment.
    type: charge.id.startsWith('py_') ? 'payment' : 'charge',
  });
}

/** Pending money whose time has come is available; announced once. */
export function ripenBalance(sim: Simulation): void {
  const ripe = sim.store
    .all('balance_transactions')
    .filter(({ status, available_on: on }) => status === 'pending' && on <= sim.now());
  for (const transaction of ripe)
    sim.store.put('balance_transactions', Object.assign(transaction, { status: 'available' }));
  if (ripe.length > 0) sim.emit(NOBODY, 'balance.available', currentBalance(sim));
}

function retrieve({ sim, params, id }: Call): Stripe.BalanceTransaction {
  params.only();
  const found = sim.store.get('balance_transactions', id);
  if (found === undefined) throw noSuch('balance transaction', id, 'id', 404);
  return found;
}

function list(call: Call): object {
  const { sim, params } = call;
  const wanted = (['currency', 'source', 'type'] as const).map((field) => [field, params.optional(field)] as const);
  const rows = sim.store
    .all('balance_transactions')
    .filter((row) => wanted.every(([field, value]) => !value || row[field] === value));
  return listPage(call, rows, ['created', 'currency', 'source', 'type']);
}

function balance({ sim, params }: Call): Stripe.Balance {
  params.only();
  return currentBalance(sim);
}

function currentBalance(sim: Simulation): Stripe.Balance {
  const rows = sim.store.all('balance_transactions');
  const currencies = [...new Set(rows.map(({ currency }) => currency))];
  const sums = (status: string): Stripe.Balance.Available[] =>
    (currencies.length > 0 ? currencies : ['usd']).map((currency) => {
      const own = rows.filter((row) => row.currency === currency && row.status === status);
      const amount = own.reduce((sum, { net }) => sum + net, 0);
      return { amount, currency, source_types: { card: amount } };
    });
  return { object: 'balance', available: sums('available'), livemode: false, pending: sums('pending') };
}
