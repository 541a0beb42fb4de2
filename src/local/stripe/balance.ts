import type Stripe from 'stripe';
import { accountOf } from './account';
import { busily } from './busy';
import { type Call, type Route } from './route';
import { NOBODY, type Simulation } from './simulation';
import { type Store } from './store';

/** https://docs.stripe.com/api/balance */
export const balanceRoutes: readonly Route[] = [{ method: 'GET', path: '/v1/balance', handle: busily(retrieve) }];

function retrieve({ sim, params }: Call): Stripe.Balance {
  params.only();
  return currentBalance(sim.store);
}

/** Pending money whose time has come is available; announced once. */
export function ripenBalance(sim: Simulation): void {
  const ripe = sim.store
    .all('balance_transactions')
    .filter(({ status, available_on: on }) => status === 'pending' && on <= sim.now());
  for (const transaction of ripe)
    sim.store.put('balance_transactions', Object.assign(transaction, { status: 'available' }));
  if (ripe.length > 0) sim.emit(NOBODY, 'balance.available', currentBalance(sim.store));
}

/** What a payout may take, in the smallest unit. */
export function availableIn(store: Store, currency: string): number {
  return currentBalance(store).available.find((part) => part.currency === currency)?.amount ?? 0;
}

function currentBalance(store: Store): Stripe.Balance {
  const sums = new Map(
    accountOf(store).settlementCurrencies.map((currency) => [currency, { available: 0, pending: 0 }]),
  );
  for (const { currency, status, net } of store.all('balance_transactions')) {
    const sum = sums.get(currency) ?? { available: 0, pending: 0 };
    sum[status === 'available' ? 'available' : 'pending'] += net;
    sums.set(currency, sum);
  }
  const parts = (side: 'available' | 'pending'): Stripe.Balance.Available[] =>
    [...sums].map(([currency, sum]) => ({ amount: sum[side], currency, source_types: { card: sum[side] } }));
  return { object: 'balance', available: parts('available'), livemode: false, pending: parts('pending') };
}
