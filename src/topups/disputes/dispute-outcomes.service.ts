import { Injectable } from '@nestjs/common';
import { formatMoney, type Money, usd } from '../../common/money';
import { NotificationsService } from '../../customers/notifications.service';
import type { Tx } from '../../database/tx';
import { disputeLost, disputeReinstated, disputeRestored, disputeWithdrawn } from '../../ledger/dispute-entries';
import { StripeMovements } from '../stripe-movements.service';
import type { StripeTransaction } from '../stripe-transaction';
import { centsToUsd } from '../topup';
import type { ReversiblePayment } from '../reversals/reversible-payment';
import { Reversals } from '../reversals/reversals.service';
import { ReversiblePayments } from '../reversals/reversible-payments.service';
import {
  type Dispute,
  type DisputePhase,
  disputeNewsOf,
  type LostPart,
  lostWithout,
  nextPhase,
  reinstatedOf,
} from './dispute';
import { DisputeStore } from './dispute-store.service';
import type { DisputeAtStripe } from './disputes.client';

/**
 * Brings a dispute of ours to the state of the one at Stripe. What moves Stripe's balance and what moves the customer's
 * credit are apart: a withdrawal is no loss yet, and a loss moves the balance no more. Each phase acts once.
 */
@Injectable()
export class DisputeOutcomes {
  constructor(
    private readonly payments: ReversiblePayments,
    private readonly reversals: Reversals,
    private readonly movements: StripeMovements,
    private readonly store: DisputeStore,
    private readonly notifications: NotificationsService,
  ) {}

  /** In the caller's transaction, once the payment is on the books. */
  async converge(tx: Tx, atStripe: DisputeAtStripe): Promise<string> {
    const payment = await this.payments.lock(tx, atStripe.paymentIntentId);
    const dispute = await this.store.see(tx, payment, atStripe);
    let [withdrawn, reinstated, changed] = [0n, 0n, false];
    for (const movement of atStripe.movements) {
      const gross = grossOf(dispute, atStripe, movement);
      if (movement.amount < 0) withdrawn += gross.atoms;
      else reinstated += gross.atoms;
      if (await this.book(tx, dispute, movement, gross)) changed = true;
    }
    const gone = withdrawn - reinstated;
    const news = disputeNewsOf(atStripe.status, { withdrawn, reinstated });
    const phase = news && nextPhase(dispute.phase, news);
    if (phase !== undefined) {
      await this.enter(tx, payment, dispute, phase, gone);
      return `dispute_${phase}`;
    }
    // What came back of a loss is seen in any order: it only ever gets less.
    if (news === 'lost' && dispute.phase === 'lost' && gone < dispute.lost.gross.atoms) {
      await this.reinstate(tx, payment, dispute, gone);
      return 'dispute_reinstated';
    }
    return changed ? 'dispute_changed' : 'unchanged';
  }

  private async enter(
    tx: Tx,
    payment: ReversiblePayment,
    dispute: Dispute,
    phase: DisputePhase,
    gone: bigint,
  ): Promise<void> {
    const lost = phase === 'lost' ? await this.take(tx, payment, dispute, gone) : NOTHING;
    if (phase === 'closed' && dispute.phase === 'lost') await this.giveBack(tx, payment, dispute, 0n);
    await this.store.move(tx, dispute.id, phase, lost);
    await this.reversals.freezeOrThaw(tx, payment.paymentIntentId);
    await this.payments.settleTopUp(tx, payment.topUpId);
    await this.tell(tx, dispute, phase);
  }

  private async take(tx: Tx, payment: ReversiblePayment, { id: disputeId }: Dispute, gross: bigint) {
    const { customerId, paymentIntentId } = payment;
    const taking = { gross, because: `dispute:${disputeId}`, forced: true, keepFrozen: false };
    const taken = await this.reversals.take(tx, payment, taking, (amounts) =>
      disputeLost({ ...amounts, disputeId, customerId, paymentIntentId }),
    );
    if (taken.kind === 'insufficient') throw new Error(`${disputeId} was forced, and lacks ${taken.free}`);
    return taken;
  }

  /** A part of what was lost came back, and the dispute is lost as far as it did not. */
  private async reinstate(tx: Tx, payment: ReversiblePayment, dispute: Dispute, gone: bigint): Promise<void> {
    const back = await this.giveBack(tx, payment, dispute, gone);
    await this.store.move(tx, dispute.id, 'lost', lostWithout(lostOf(dispute), back));
    await this.payments.settleTopUp(tx, payment.topUpId);
    await this.tell(tx, dispute, 'reinstated', usd(back.gross));
  }

  private async giveBack(tx: Tx, payment: ReversiblePayment, dispute: Dispute, gone: bigint): Promise<LostPart> {
    const { customerId, paymentIntentId } = payment;
    const { id: disputeId } = dispute;
    const lost = lostOf(dispute);
    const back = reinstatedOf(lost, gone);
    const still = gone > 0n ? usd(gone) : undefined;
    const because = `dispute:${disputeId}${still ? `:${still.atoms}` : ''}`;
    const given = { ...back, owedStill: lost.owed - back.owed, because, debit: `dispute:${disputeId}:lost` };
    await this.reversals.giveBack(tx, payment, given, (amounts) =>
      disputeRestored({ ...amounts, disputeId, customerId, paymentIntentId, still }),
    );
    return back;
  }

  private async book(tx: Tx, dispute: Dispute, movement: StripeTransaction, gross: Money): Promise<boolean> {
    if (movement.currency !== 'usd') {
      // What settles in another currency than USD stays open, for reconciliation.
      await this.movements.see(tx, movement);
      return false;
    }
    const told = {
      transactionId: movement.id,
      disputeId: dispute.id,
      customerId: dispute.customerId,
      gross,
      moved: absolute(movement.amount),
      fee: usd(centsToUsd(movement.fee).atoms),
    };
    return this.movements.book(tx, movement, isWithdrawal(movement) ? disputeWithdrawn(told) : disputeReinstated(told));
  }

  /** @param back What of a loss came back. */
  private async tell(tx: Tx, dispute: Dispute, what: DisputePhase | 'reinstated', back?: Money): Promise<void> {
    const { id, paymentIntentId, topUpId, gross, reason, dueBy } = dispute;
    const about = { dispute: id, paymentIntent: paymentIntentId, topUp: topUpId, amount: formatMoney(gross) };
    await this.notifications.add(tx, {
      customerId: null,
      kind: `dispute_${what}`,
      // A loss may come back in several parts.
      key: `dispute:${id}:${what}${back ? `:${dispute.lost.gross.atoms}` : ''}`,
      data: { ...about, reason, dueBy, ...(back && { reinstated: formatMoney(back) }) },
    });
  }
}

const lostOf = ({ lost: { gross, credit, tax, bonus }, owed }: Dispute): LostPart => ({
  gross: gross.atoms,
  credit: credit.atoms,
  tax: tax.atoms,
  bonus: bonus.atoms,
  owed: owed.atoms,
});

const NOTHING = { gross: 0n, credit: 0n, tax: 0n, bonus: 0n, owed: 0n };

/** A fee may be larger than what comes back beside it, and may come alone. */
const isWithdrawal = ({ amount, net }: StripeTransaction): boolean => (amount === 0 ? net : amount) < 0;

/** What a movement is of the payment as we booked it: of one in another currency, the dispute's own part. */
function grossOf(dispute: Dispute, { currency }: DisputeAtStripe, movement: StripeTransaction): Money {
  const isInUsd = currency === movement.currency && currency === 'usd';
  // A fee may come alone.
  return isInUsd || movement.amount === 0 ? absolute(movement.amount) : dispute.gross;
}

const absolute = (cents: number): Money => usd(centsToUsd(Math.abs(cents)).atoms);
