import type Stripe from 'stripe';
import { accountOf } from './account';
import { type DisputeFields, newDispute } from './dispute-object';
import { endWarningsOf } from './early-fraud-warnings';
import { idOf } from './ids';
import { book } from './settlement';
import { type Caller, NOBODY, type Simulation } from './simulation';
import { badState } from './stripe-fault';

export type DisputeMove = 'escalate' | 'lose' | 'review' | 'warn_close' | 'win';
type Status = Stripe.Dispute.Status;

/** Which step leads where: https://docs.stripe.com/disputes/how-disputes-work. What is not here cannot happen. */
const STEPS: Record<string, Partial<Record<DisputeMove, Status>>> = {
  warning_needs_response: { review: 'warning_under_review', escalate: 'needs_response', warn_close: 'warning_closed' },
  warning_under_review: { escalate: 'needs_response', warn_close: 'warning_closed' },
  needs_response: { review: 'under_review', win: 'won', lose: 'lost' },
  under_review: { win: 'won', lose: 'lost' },
};
const CLOSED: readonly Status[] = ['won', 'lost', 'warning_closed'];

/** https://docs.stripe.com/testing#evidence: what evidence with such a text leads to, in a chargeback and an inquiry. */
const MAGIC_EVIDENCE: Record<string, readonly DisputeMove[]> = {
  winning_evidence: ['win', 'warn_close'],
  losing_evidence: ['lose', 'escalate'],
  escalate_inquiry_evidence: ['escalate'],
};

/** A card holder disputes a charge; `withdraw: false` leaves the money where it is for now. Announced. */
export function openDispute(
  sim: Simulation,
  charge: Stripe.Charge,
  fields: DisputeFields,
  withdraw = !fields.inquiry,
): Stripe.Dispute {
  if (charge.status !== 'succeeded') throw badState(undefined, `Charge ${charge.id} is ${charge.status}.`);
  const dispute = sim.store.put('disputes', newDispute(sim, charge, fields));
  if (!fields.inquiry) {
    charge.disputed = true;
    sim.store.put('charges', charge);
  }
  sim.emit(NOBODY, 'charge.dispute.created', dispute);
  endWarningsOf(sim, charge.id, NOBODY);
  if (withdraw) withdrawFunds(sim, dispute);
  sim.agenda.plan('dispute_due', dispute.id, dispute.evidence_details.due_by ?? sim.now());
  return dispute;
}

/** The bank takes the disputed amount and Stripe its fee. Throws 400 for an inquiry, and the second time. */
export function withdrawFunds(sim: Simulation, dispute: Stripe.Dispute): void {
  if (dispute.status.startsWith('warning_') || dispute.balance_transactions.length > 0) {
    throw badState(undefined, `The funds of ${dispute.id} cannot be withdrawn: it is ${dispute.status}.`);
  }
  moveFunds(sim, dispute, -1);
  sim.emit(NOBODY, 'charge.dispute.funds_withdrawn', dispute);
}

/**
 * The bank gives the money back, usually after a won dispute; `amount` (of what the balance lost) is a part of it. Throws
 * 400 when the bank has not that much of it.
 */
export function reinstateFunds(sim: Simulation, dispute: Stripe.Dispute, amount?: number): void {
  const left = withBank(dispute);
  if (left <= 0 || (amount ?? left) > left) {
    throw badState(undefined, `There are no such funds of ${dispute.id} to reinstate: ${left} are left.`);
  }
  moveFunds(sim, dispute, 1, amount ?? left);
  sim.emit(NOBODY, 'charge.dispute.funds_reinstated', dispute);
}

/** What the bank has of it, in what the balance settles in. */
const withBank = (dispute: Stripe.Dispute): number =>
  -dispute.balance_transactions.reduce((sum, { amount }) => sum + amount, 0);

/** One step of a dispute's life, announced; throws 400 for one that cannot follow. */
export function moveDispute(sim: Simulation, dispute: Stripe.Dispute, move: DisputeMove, caller: Caller): void {
  const to = STEPS[dispute.status]?.[move];
  if (to === undefined) throw badState(undefined, `A dispute that is ${dispute.status} cannot ${move}.`);
  const before = { status: dispute.status };
  dispute.status = to;
  if (move === 'escalate') becomeChargeback(sim, dispute);
  sim.store.put('disputes', dispute);
  sim.emit(caller, CLOSED.includes(to) ? 'charge.dispute.closed' : 'charge.dispute.updated', dispute, before);
  if (move === 'escalate') withdrawFunds(sim, dispute);
}

/** Won: closed, and what was withdrawn comes back. */
export function winDispute(sim: Simulation, dispute: Stripe.Dispute, reinstate = true): void {
  moveDispute(sim, dispute, 'win', NOBODY);
  if (reinstate && withBank(dispute) > 0) reinstateFunds(sim, dispute);
}

/** What the submitted evidence says decides a test dispute right away; other evidence stays under review. */
export function disputeVerdict(sim: Simulation, id: string): void {
  const dispute = sim.store.get('disputes', id);
  if (dispute === undefined) return;
  const moves = MAGIC_EVIDENCE[dispute.evidence.uncategorized_text?.trim() ?? ''] ?? [];
  const move = moves.find((one) => STEPS[dispute.status]?.[one] !== undefined);
  if (move === 'win') winDispute(sim, dispute);
  else if (move !== undefined) moveDispute(sim, dispute, move, NOBODY);
}

/** Nobody answered in time: a chargeback is lost, an inquiry ends. */
export function disputeDue(sim: Simulation, id: string): void {
  const dispute = sim.store.get('disputes', id);
  if (dispute === undefined || !dispute.status.endsWith('needs_response')) return;
  dispute.evidence_details.past_due = true;
  moveDispute(sim, dispute, dispute.status === 'needs_response' ? 'lose' : 'warn_close', NOBODY);
}

/** A charge that was refunded in full is nothing to inquire about any more. */
export function closeInquiryOf(sim: Simulation, charge: string, caller: Caller): void {
  for (const dispute of sim.store.all('disputes')) {
    if (dispute.charge === charge && STEPS[dispute.status]?.warn_close) moveDispute(sim, dispute, 'warn_close', caller);
  }
}

function becomeChargeback(sim: Simulation, dispute: Stripe.Dispute): void {
  dispute.is_charge_refundable = false;
  const { card } = dispute.payment_method_details ?? {};
  if (card !== undefined) card.case_type = 'chargeback';
  const charge = sim.store.get('charges', idOf(dispute.charge) ?? '');
  if (charge !== undefined) sim.store.put('charges', Object.assign(charge, { disputed: true }));
}

/** The first movement takes the amount and a fee; the second gives the amount back, and the fee if that is so agreed. */
function moveFunds(sim: Simulation, dispute: Stripe.Dispute, sign: -1 | 1, part?: number): void {
  const { disputeFee, disputeFeeReturned } = accountOf(sim.store);
  const [withdrawn, ...others] = dispute.balance_transactions;
  const fee = sign < 0 ? disputeFee : disputeFeeReturned && others.length === 0 ? -disputeFee : 0;
  // What comes back is of what was taken, whatever has become of the rate.
  const { amount, currency } = withdrawn ?? dispute;
  const transaction = book(sim, {
    type: 'adjustment',
    ...{ amount: part ?? -amount, currency, fee, source: dispute.id },
    category: sign < 0 ? 'dispute' : 'dispute_reversal',
    description: `Chargeback ${sign < 0 ? 'withdrawal' : 'reversal'} for ${idOf(dispute.charge)}`,
    feeDescription: 'Dispute fee',
  });
  dispute.balance_transactions.push(structuredClone(transaction));
  sim.store.put('disputes', dispute);
}
