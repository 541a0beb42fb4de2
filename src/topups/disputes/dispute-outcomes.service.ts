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
import { type Dispute, type DisputePhase, disputeNewsOf, nextPhase } from './dispute';
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
    let [withdrawn, changed] = [0n, false];
    for (const movement of atStripe.movements) {
      const gross = grossOf(dispute, atStripe, movement);
      withdrawn += movement.amount < 0 ? gross.atoms : -gross.atoms;
      if (await this.book(tx, dispute, movement, gross)) changed = true;
    }
    const news = disputeNewsOf(atStripe.status, { withdrawn, moved: atStripe.movements.length > 0 });
    const phase = news && nextPhase(dispute.phase, news);
    if (phase === undefined) return changed ? 'dispute_changed' : 'unchanged';
    await this.enter(tx, payment, dispute, phase, withdrawn);
    return `dispute_${phase}`;
  }

  private async enter(
    tx: Tx,
    payment: ReversiblePayment,
    dispute: Dispute,
    phase: DisputePhase,
    withdrawn: bigint,
  ): Promise<void> {
    const lost = phase === 'lost' ? await this.take(tx, payment, dispute, withdrawn) : NOTHING;
    if (phase === 'closed' && dispute.phase === 'lost') await this.giveBack(tx, payment, dispute);
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

  private async giveBack(tx: Tx, payment: ReversiblePayment, { id: disputeId, lost, owed }: Dispute): Promise<void> {
    const { customerId, paymentIntentId } = payment;
    const part = { gross: lost.gross.atoms, credit: lost.credit.atoms, tax: lost.tax.atoms, bonus: lost.bonus.atoms };
    await this.reversals.giveBack(
      tx,
      payment,
      { ...part, owed: owed.atoms, because: `dispute:${disputeId}` },
      (amounts) => disputeRestored({ ...amounts, disputeId, customerId, paymentIntentId }),
    );
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

  private async tell(tx: Tx, dispute: Dispute, phase: DisputePhase): Promise<void> {
    const { id, paymentIntentId, topUpId, gross, reason, dueBy } = dispute;
    await this.notifications.add(tx, {
      customerId: null,
      kind: `dispute_${phase}`,
      key: `dispute:${id}:${phase}`,
      data: { dispute: id, paymentIntent: paymentIntentId, topUp: topUpId, amount: formatMoney(gross), reason, dueBy },
    });
  }
}

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
