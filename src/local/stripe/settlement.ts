import type Stripe from 'stripe';
import { settlementOf } from './account';
import { convert } from './currencies';
import { newId } from './ids';
import { type Simulation } from './simulation';

/** The fee model of the simulator: 2.9 % + 30 of the smallest unit, whatever the currency and the method. */
const FEE_PER_MILLE = 29;
const FEE_FIXED = 30;
/** Money is there two business days after the charge (US), at midnight UTC; the simulator counts plain days. */
const PENDING_DAYS = 2;
const DAY = 86_400;

/** How finance reads a type: https://docs.stripe.com/reports/reporting-categories */
const CATEGORIES: Record<string, string> = {
  charge: 'charge',
  payment: 'charge',
  refund: 'refund',
  payment_refund: 'refund',
  refund_failure: 'refund_failure',
  payment_failure_refund: 'charge_failure',
  payout: 'payout',
  payout_cancel: 'payout_reversal',
  payout_failure: 'payout_reversal',
  stripe_fee: 'fee',
  stripe_fx_fee: 'fee',
  tax_fee: 'tax',
  adjustment: 'other_adjustment',
  reserve_hold: 'risk_reserved_funds',
  reserve_release: 'risk_reserved_funds',
  topup: 'topup',
  topup_reversal: 'topup_reversal',
};

/** One movement of the balance, in the currency that was presented. */
export interface Movement {
  type: Stripe.BalanceTransaction.Type;
  amount: number;
  currency: string;
  source: string | null;
  description?: string | null;
  /** In the settlement currency. */
  fee?: number;
  feeDescription?: string;
  /** When it counts; now when left out. */
  availableOn?: number;
  /** Where the type does not say it (`dispute`, `dispute_reversal`). */
  category?: string;
}

/** 2.9 % (halves up) + 30, in the smallest unit; `amount` is a whole number ≥ 0. */
export function feeFor(amount: number): number {
  return Math.floor((amount * FEE_PER_MILLE + 500) / 1000) + FEE_FIXED;
}

/** `amount` of `currency` as it counts in the balance. */
export function settle(sim: Simulation, amount: number, currency: string) {
  const into = settlementOf(sim.store, currency);
  const settled = into.rate === null ? amount : convert(amount, currency, into.currency, into.rate);
  return { amount: settled, currency: into.currency, exchange_rate: into.rate };
}

/** Books a movement into the balance: `net = amount − fee`. Pending, and announced when it turns, until it counts. */
export function book(sim: Simulation, movement: Movement): Stripe.BalanceTransaction {
  const { type, source, fee = 0 } = movement;
  const now = sim.now();
  const { amount, currency, exchange_rate } = settle(sim, movement.amount, movement.currency);
  const availableOn = Math.max(now, movement.availableOn ?? now);
  const description = movement.feeDescription ?? 'Stripe processing fees';
  const transaction: Stripe.BalanceTransaction = {
    id: newId('txn'),
    object: 'balance_transaction',
    amount,
    available_on: availableOn,
    balance_type: 'payments',
    created: now,
    currency,
    description: movement.description ?? null,
    exchange_rate,
    fee,
    fee_details: fee === 0 ? [] : [{ amount: fee, application: null, currency, description, type: 'stripe_fee' }],
    net: amount - fee,
    reporting_category: movement.category ?? CATEGORIES[type] ?? type,
    source,
    status: availableOn > now ? 'pending' : 'available',
    type,
  };
  if (availableOn > now) sim.agenda.plan('funds_available', '', availableOn, `funds_${availableOn}`);
  return sim.store.put('balance_transactions', transaction);
}

/** Books a charge with its fee, pending for two days unless `immediate`. */
export function bookCharge(sim: Simulation, charge: Stripe.Charge, immediate: boolean): Stripe.BalanceTransaction {
  const { amount, currency, description } = charge;
  const now = sim.now();
  return book(sim, {
    // Stripe calls what does not come from a card a payment.
    type: isPayment(charge) ? 'payment' : 'charge',
    ...{ amount, currency, description, source: charge.id },
    fee: feeFor(settle(sim, amount, currency).amount),
    availableOn: immediate ? now : now - (now % DAY) + PENDING_DAYS * DAY,
  });
}

export function isPayment(charge: Stripe.Charge): boolean {
  return charge.id.startsWith('py_');
}
