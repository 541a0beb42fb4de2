import type Stripe from 'stripe';
import { newId } from './ids';
import { book } from './settlement';
import { type Caller, NOBODY, type Simulation } from './simulation';
import { badState } from './stripe-fault';

export type PayoutStep = 'canceled' | 'failed' | 'in_transit' | 'paid';

const HOUR = 3_600;
const DAY = 86_400;
/** Days until the bank has it. */
const DAYS_UNDERWAY = 2;
const TRACE_LENGTH = 16;

/** A bank may refuse also what it had taken: https://docs.stripe.com/payouts#payout-failures */
const STEPS: Record<string, readonly PayoutStep[]> = {
  pending: ['in_transit', 'failed', 'canceled'],
  in_transit: ['paid', 'failed'],
  paid: ['failed'],
};
const EVENTS = {
  canceled: 'payout.canceled',
  failed: 'payout.failed',
  in_transit: 'payout.updated',
  paid: 'payout.paid',
} as const satisfies Record<PayoutStep, Stripe.Event['type']>;
const FAILURES: Record<string, string> = {
  account_closed: 'The bank account has been closed.',
  could_not_process: 'The bank could not process this payout.',
  no_account: 'The bank account could not be located.',
};

export interface PayoutFields {
  amount: number;
  currency: string;
  description: string | null;
  metadata: Record<string, string>;
  method: 'instant' | 'standard';
  statementDescriptor: string | null;
  /** The transactions that an automatic payout pays out; nothing for a manual one. */
  contents?: string[];
}

/** Money on its way to the bank, announced; time carries it on. `amount` has left the balance. */
export function createPayout(sim: Simulation, fields: PayoutFields, caller: Caller): Stripe.Payout {
  const { amount, currency, description, metadata, method, contents } = fields;
  const now = sim.now();
  const arrival = method === 'instant' ? now + HOUR : now - (now % DAY) + DAYS_UNDERWAY * DAY;
  const payout: Stripe.Payout = {
    id: newId('po'),
    object: 'payout',
    amount,
    application_fee: null,
    application_fee_amount: null,
    arrival_date: arrival,
    automatic: contents !== undefined,
    balance_transaction: null,
    created: now,
    currency,
    description,
    destination: 'ba_simulator',
    failure_balance_transaction: null,
    failure_code: null,
    failure_message: null,
    livemode: false,
    metadata,
    method,
    original_payout: null,
    payout_method: null,
    reconciliation_status: contents === undefined ? 'not_applicable' : 'in_progress',
    reversed_by: null,
    source_type: 'card',
    statement_descriptor: fields.statementDescriptor,
    status: 'pending',
    trace_id: { status: 'pending', value: null },
    type: 'bank_account',
  };
  const transaction = book(sim, { type: 'payout', amount: -amount, currency, source: payout.id, description });
  payout.balance_transaction = transaction.id;
  if (contents) sim.store.put('payout_contents', { id: payout.id, transactions: [...contents, transaction.id] });
  sim.store.put('payouts', payout);
  sim.emit(caller, 'payout.created', payout);
  sim.agenda.plan('payout_sent', payout.id, now + HOUR / 2);
  if (contents) sim.agenda.plan('payout_reconciled', payout.id, now + HOUR / 2);
  sim.agenda.plan('payout_arrives', payout.id, arrival);
  return payout;
}

/** One step of a payout's life, announced; throws 400 for one that cannot follow. */
export function movePayout(
  sim: Simulation,
  payout: Stripe.Payout,
  to: PayoutStep,
  caller: Caller,
  failureCode = 'could_not_process',
): void {
  if (!(STEPS[payout.status] ?? []).includes(to)) {
    throw badState(undefined, `A payout with a status of ${payout.status} cannot become ${to}.`);
  }
  const before = { status: payout.status };
  payout.status = to;
  if (to === 'paid') payout.trace_id = { status: 'supported', value: newId('trace', TRACE_LENGTH).slice(6) };
  if (to === 'failed') {
    const failure_message = FAILURES[failureCode] ?? 'The bank returned this payout.';
    Object.assign(payout, { failure_code: failureCode, failure_message });
  }
  if (to === 'failed' || to === 'canceled') {
    const { amount, currency, id: source, description } = payout;
    const type = to === 'failed' ? 'payout_failure' : 'payout_cancel';
    payout.failure_balance_transaction = book(sim, { type, amount, currency, source, description }).id;
  }
  sim.store.put('payouts', payout);
  sim.emit(caller, EVENTS[to], payout, before);
}

/** From now on the transactions behind an automatic payout can be listed; announced. Throws 400 for a manual one. */
export function reconcilePayout(sim: Simulation, payout: Stripe.Payout): void {
  if (payout.reconciliation_status !== 'in_progress') {
    throw badState(undefined, `The reconciliation of ${payout.id} is ${payout.reconciliation_status}.`);
  }
  payout.reconciliation_status = 'completed';
  sim.store.put('payouts', payout);
  sim.emit(NOBODY, 'payout.reconciliation_completed', payout);
}

export function payoutSent(sim: Simulation, id: string): void {
  const payout = sim.store.get('payouts', id);
  if (payout?.status === 'pending') movePayout(sim, payout, 'in_transit', NOBODY);
}

export function payoutArrives(sim: Simulation, id: string): void {
  const payout = sim.store.get('payouts', id);
  if (payout?.status === 'pending') movePayout(sim, payout, 'in_transit', NOBODY);
  if (payout?.status === 'in_transit') movePayout(sim, payout, 'paid', NOBODY);
}

export function payoutReconciled(sim: Simulation, id: string): void {
  const payout = sim.store.get('payouts', id);
  if (payout?.reconciliation_status === 'in_progress') reconcilePayout(sim, payout);
}
