import { Injectable } from '@nestjs/common';
import { prefixedId } from '../../common/id';
import { usd } from '../../common/money';
import type { NewNotification } from '../../customers/notification';
import { NotificationsService } from '../../customers/notifications.service';
import type { Tx } from '../../database/tx';
import {
  refundFailed,
  type RefundMovement,
  refundLeft,
  refundOpened,
  refundReturned,
} from '../../ledger/refund-entries';
import { bankDebitNews } from '../bank-debit-news';
import type { StripeEffect } from '../stripe-events.service';
import { StripeMovements } from '../stripe-movements.service';
import type { StripeTransaction } from '../stripe-transaction';
import { centsToUsd } from '../topup';
import { grossOf, type ReversiblePayment } from '../reversals/reversible-payment';
import { Reversals } from '../reversals/reversals.service';
import { ReversiblePayments } from '../reversals/reversible-payments.service';
import { isReturned, nextRefundState, type Refund, type RefundNews, refundNewsOf } from './refund';
import { failedRefundNews } from './refund-news';
import { RefundStore } from './refund-store.service';
import type { RefundAtStripe } from './refunds.client';

/**
 * Brings our refunds to the state of those at Stripe, whoever started them and whoever tells. Each movement of the
 * balance is booked by its own id and each refund by its own row: the sums on a charge are never read, so that nothing
 * can count twice.
 */
@Injectable()
export class RefundOutcomes {
  constructor(
    private readonly payments: ReversiblePayments,
    private readonly reversals: Reversals,
    private readonly movements: StripeMovements,
    private readonly store: RefundStore,
    private readonly notifications: NotificationsService,
  ) {}

  /** What is left to be written about a payment's refunds; `undefined`: there are none, or the payment is none of ours. */
  async effectOf(paymentIntentId: string, refunds: readonly RefundAtStripe[]): Promise<StripeEffect | undefined> {
    if (!refunds[0] || !(await this.payments.ensure(paymentIntentId, refunds[0].chargeId))) return undefined;
    return (tx) => this.converge(tx, paymentIntentId, refunds);
  }

  /** In the caller's transaction, after `effectOf` or `prepare` made the accounts. */
  async converge(tx: Tx, paymentIntentId: string, refunds: readonly RefundAtStripe[]): Promise<string> {
    let changed = false;
    for (const atStripe of refunds) {
      // Each takes or gives back: what the payment is now is read again.
      const payment = await this.payments.lock(tx, paymentIntentId);
      const known = await this.store.find(tx, atStripe);
      const refund = known ?? (await this.adopt(tx, payment, atStripe));
      if (refund.stripeRefundId === null) await this.store.nameAtStripe(tx, refund.id, atStripe.id);
      const left = await this.book(tx, refund, atStripe.left, refundLeft);
      const back = await this.book(tx, refund, atStripe.back, refundFailed);
      const news = refundNewsOf(atStripe.status);
      const moved = news ? await this.advance(tx, refund, news, atStripe.failureReason) : false;
      changed ||= !known || left || back || moved;
    }
    return changed ? 'refund_changed' : 'unchanged';
  }

  /** Stripe would not begin a refund. The payment's own accounts must exist. */
  async reject(tx: Tx, refund: Refund, reason: string): Promise<void> {
    await this.payments.lock(tx, refund.paymentIntentId);
    const now = await this.store.find(tx, { id: '', refundId: refund.id });
    if (now) await this.advance(tx, now, 'rejected', reason);
  }

  /** Returns whether this is news. */
  private async advance(tx: Tx, refund: Refund, news: RefundNews, failureReason: string | null): Promise<boolean> {
    const state = nextRefundState(refund.state, news);
    if (state === undefined) return false;
    await this.store.move(tx, refund.id, state, failureReason);
    if (!isReturned(state)) return true;
    await this.giveBack(tx, refund);
    await this.tell(tx, failedRefundNews(refund, state, failureReason));
    return true;
  }

  private async giveBack(tx: Tx, refund: Refund): Promise<void> {
    const { id: refundId, customerId, paymentIntentId, gross, credit, tax, bonus, owed } = refund;
    const payment = await this.payments.lock(tx, paymentIntentId);
    const part = { gross: gross.atoms, credit: credit.atoms, tax: tax.atoms, bonus: bonus.atoms };
    await this.reversals.giveBack(
      tx,
      payment,
      { ...part, owed: owed.atoms, owedStill: 0n, because: `refund:${refundId}`, debit: `refund:${refundId}` },
      (amounts) => refundReturned({ ...amounts, refundId, customerId, paymentIntentId }),
    );
  }

  /** Somebody else started it: the money goes whatever the customer has left, so what is used up is owed. */
  private async adopt(
    tx: Tx,
    payment: ReversiblePayment,
    { id, minor, paid, reason, isReturnedDebit }: RefundAtStripe,
  ): Promise<Refund> {
    const refundId = prefixedId('rfd');
    const { customerId, paymentIntentId } = payment;
    const taking = {
      gross: grossOf(payment, paid, minor),
      because: `refund:${refundId}`,
      forced: true,
      keepFrozen: true,
    };
    const taken = await this.reversals.take(tx, payment, taking, (amounts) =>
      refundOpened({ ...amounts, refundId, forced: true, paymentIntentId, customerId }),
    );
    if (taken.kind === 'insufficient') throw new Error(`${id} was forced, and lacks ${taken.free}`);
    const row = {
      ...taken,
      id: refundId,
      stripeRefundId: id,
      origin: isReturnedDebit === true ? 'bank' : 'dashboard',
      forced: true,
      reason,
      minor,
    } as const;
    await this.store.insert(tx, payment, row);
    const refund = (await this.store.find(tx, { id, refundId })) as Refund;
    const { topUpId, gross: amount, credit, owed } = refund;
    const debit = { chargeId: id, topUpId, customerId, amount, taken: credit, owed };
    if (isReturnedDebit === true) await this.tell(tx, bankDebitNews(debit));
    return refund;
  }

  private async tell(tx: Tx, news: readonly NewNotification[]): Promise<void> {
    for (const one of news) await this.notifications.add(tx, one);
  }

  private async book(
    tx: Tx,
    { id: refundId, customerId, gross }: Refund,
    movement: StripeTransaction | undefined,
    entry: typeof refundLeft,
  ): Promise<boolean> {
    if (!movement) return false;
    if (movement.currency !== 'usd') {
      // What settles in another currency than USD stays open, for reconciliation.
      await this.movements.see(tx, movement);
      return false;
    }
    const moved = usd(absolute(centsToUsd(movement.amount).atoms));
    const fee = centsToUsd(movement.fee);
    const told: RefundMovement = { transactionId: movement.id, refundId, customerId, gross, moved, fee };
    return this.movements.book(tx, movement, entry(told));
  }
}

const absolute = (atoms: bigint): bigint => (atoms < 0n ? -atoms : atoms);
