import type Stripe from 'stripe';
import { cardBehaviour } from './card';
import { closeInquiryOf } from './dispute-lifecycle';
import { endWarningsOf } from './early-fraud-warnings';
import { showMoney } from './html';
import { idOf, newId } from './ids';
import { book, isPayment } from './settlement';
import { type Caller, NOBODY, type Simulation } from './simulation';
import { StripeFault, badState } from './stripe-fault';

export type RefundEnd = 'canceled' | 'failed' | 'succeeded';

const DAY = 86_400;

/** From which states a refund may come to an end. A succeeded one may still fail: the bank sends the money back. */
const STEPS: Record<string, readonly RefundEnd[]> = {
  pending: ['succeeded', 'failed', 'canceled'],
  requires_action: ['succeeded', 'failed', 'canceled'],
  succeeded: ['failed'],
};

export interface RefundFields {
  /** In the charge's currency; all that is left when undefined. */
  amount: number | undefined;
  reason: Stripe.Refund.Reason | null;
  metadata: Record<string, string>;
  status?: 'pending' | 'succeeded';
}

/**
 * Sends money of a charge back, announced (`refund.created`, `charge.refunded` with the cumulative amount). Stripe's fee
 * is not returned. Throws 400 when the charge has not that much left. https://docs.stripe.com/refunds
 */
export function refundCharge(
  sim: Simulation,
  charge: Stripe.Charge,
  fields: RefundFields,
  caller: Caller,
): Stripe.Refund {
  const amount = checkedAmount(sim, charge, fields.amount);
  const method = sim.store.get('payment_methods', charge.payment_method ?? '');
  const special = method === undefined ? undefined : cardBehaviour(sim, method).refund;
  const status = fields.status ?? (special === 'pending' || isPayment(charge) ? 'pending' : 'succeeded');
  const refund: Stripe.Refund = {
    id: newId(isPayment(charge) ? 'pyr' : 're'),
    object: 'refund',
    amount,
    balance_transaction: null,
    charge: charge.id,
    created: sim.now(),
    currency: charge.currency,
    customer: charge.customer,
    customer_account: null,
    destination_details: destinationOf(charge),
    metadata: fields.metadata,
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    reason: fields.reason,
    receipt_number: null,
    source_transfer_reversal: null,
    status,
    transfer_reversal: null,
    ...(status === 'pending' && { pending_reason: 'processing' as const }),
  };
  refund.balance_transaction = bookRefund(sim, charge, refund, -amount).id;
  sim.store.put('refunds', refund);
  changeRefunded(sim, charge, amount);
  sim.emit(caller, 'refund.created', refund);
  sim.emit(caller, 'charge.refunded', charge, { amount_refunded: charge.amount_refunded - amount });
  if (status === 'pending') sim.agenda.plan('refund_succeeds', refund.id, sim.now() + DAY);
  if (special === 'fails_later') sim.agenda.plan('refund_fails', refund.id, sim.now() + DAY);
  endWarningsOf(sim, charge.id, caller);
  if (charge.refunded) closeInquiryOf(sim, charge.id, caller);
  return refund;
}

/** What the bank says of a refund later. A failed or canceled one comes back to the balance. Throws 400 out of turn. */
export function settleRefund(
  sim: Simulation,
  refund: Stripe.Refund,
  end: RefundEnd,
  failureReason = 'expired_or_canceled_card',
): void {
  if (!(STEPS[refund.status ?? ''] ?? []).includes(end)) {
    throw badState(undefined, `A refund with a status of ${refund.status} cannot become ${end}.`);
  }
  const before = { status: refund.status };
  refund.status = end;
  delete refund.pending_reason;
  const charge = sim.store.get('charges', idOf(refund.charge) ?? '');
  if (end !== 'succeeded' && charge !== undefined) {
    refund.failure_balance_transaction = bookRefund(sim, charge, refund, refund.amount).id;
    changeRefunded(sim, charge, -refund.amount);
  }
  if (end === 'failed') refund.failure_reason = failureReason;
  sim.store.put('refunds', refund);
  sim.emit(NOBODY, 'refund.updated', refund, before);
  if (charge !== undefined && isPayment(charge)) sim.emit(NOBODY, 'charge.refund.updated', refund, before);
  if (end === 'failed') sim.emit(NOBODY, 'refund.failed', refund);
}

/** The same, when time does it; nothing happens to a refund that has come to another end meanwhile. */
export function settleRefundLater(sim: Simulation, id: string, end: RefundEnd): void {
  const refund = sim.store.get('refunds', id);
  if (refund !== undefined && STEPS[refund.status ?? '']?.includes(end)) settleRefund(sim, refund, end);
}

function checkedAmount(sim: Simulation, charge: Stripe.Charge, asked: number | undefined): number {
  if (charge.status !== 'succeeded') {
    throw badState('charge_not_refundable', `Charge ${charge.id} cannot be refunded: its status is ${charge.status}.`);
  }
  if (charge.refunded) throw badState('charge_already_refunded', `Charge ${charge.id} has already been refunded.`);
  const disputes = sim.store.all('disputes').filter((dispute) => dispute.charge === charge.id);
  if (disputes.some((dispute) => !dispute.is_charge_refundable)) {
    throw badState('charge_disputed', `Charge ${charge.id} has been charged back; cannot issue a refund.`);
  }
  const left = charge.amount - charge.amount_refunded;
  const amount = asked ?? left;
  if (amount <= left) return amount;
  const [wanted, there] = [amount, left].map((money) => showMoney(money, charge.currency));
  const message = `Refund amount (${wanted}) is greater than unrefunded amount on charge (${there})`;
  throw new StripeFault(400, { type: 'invalid_request_error', message, param: 'amount' });
}

function bookRefund(sim: Simulation, charge: Stripe.Charge, refund: Stripe.Refund, amount: number) {
  const booked = sim.store.get('balance_transactions', idOf(charge.balance_transaction) ?? '');
  return book(sim, {
    type: amount > 0 ? 'refund_failure' : isPayment(charge) ? 'payment_refund' : 'refund',
    ...{ amount, currency: charge.currency, source: refund.id },
    description:
      amount > 0 ? 'REFUND FAILURE' : `REFUND FOR CHARGE${charge.description ? ` (${charge.description})` : ''}`,
    // It leaves from where the charge's own money is: what is not there yet is not paid out either.
    ...(booked && { availableOn: booked.available_on }),
  });
}

function changeRefunded(sim: Simulation, charge: Stripe.Charge, by: number): void {
  charge.amount_refunded += by;
  charge.refunded = charge.amount_refunded === charge.amount;
  sim.store.put('charges', charge);
}

function destinationOf(charge: Stripe.Charge): Stripe.Refund.DestinationDetails {
  if (isPayment(charge))
    return { type: 'us_bank_transfer', us_bank_transfer: { reference: null, reference_status: 'pending' } };
  return {
    type: 'card',
    card: { reference_status: 'pending', reference_type: 'acquirer_reference_number', type: 'refund' },
  };
}
