import { Injectable } from '@nestjs/common';
import { NotFoundError } from '../../common/billing-error';
import { prefixedId } from '../../common/id';
import type { RequestKey } from '../../common/idempotency-key';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { JobsService } from '../../jobs/jobs.service';
import { refundOpened } from '../../ledger/refund-entries';
import { grossOf, partOf, refundableOf, type ReversiblePayment } from '../reversals/reversible-payment';
import { Reversals } from '../reversals/reversals.service';
import { ReversiblePayments } from '../reversals/reversible-payments.service';
import type { Refund } from './refund';
import { RefundRefusedError } from './refund-error';
import { cardRefundJob } from './refund-job';
import { RefundStore } from './refund-store.service';
import { RefundsClient } from './refunds.client';

/** What an operator asks for. */
export interface RefundRequest {
  /** Smallest units of what was paid in; left out: all that may go back. */
  readonly amountCents?: number | undefined;
  /** Also credit that is used up: the customer owes that then. */
  readonly force?: boolean | undefined;
  readonly reason?: string | undefined;
  /** Which payment of the top-up; left out: the first. */
  readonly paymentIntentId?: string | undefined;
}

/**
 * Refunds all that is unused, in the caller's transaction, which has the payment locked. `undefined` when nothing is, or
 * when its bank has it already; else the refund's id.
 */
export type UnusedRefund = (tx: Tx, payment: ReversiblePayment, reason: string) => Promise<string | undefined>;

/** With who asks. */
interface OpenedRefund extends RefundRequest {
  readonly origin: Refund['origin'];
  readonly requestKey?: RequestKey | undefined;
}

/** Starts refunds. Whatever becomes of them at Stripe is for `RefundOutcomes`, whoever started them. */
@Injectable()
export class RefundsService {
  constructor(
    private readonly database: DatabaseService,
    private readonly jobs: JobsService,
    private readonly payments: ReversiblePayments,
    private readonly reversals: Reversals,
    private readonly store: RefundStore,
    private readonly client: RefundsClient,
  ) {}

  /**
   * Takes a refund off the credit that the payment brought; Stripe is told right after the commit. With a key, a repeat
   * gets the first one, whatever became of it.
   * @throws RefundRefusedError, NotFoundError `top_up_not_found`, IdempotencyConflictError, CardTopUpsUnavailableError,
   * CardProcessorError
   */
  async create(topUpId: string, request: RefundRequest, requestKey?: RequestKey): Promise<Refund> {
    const before = requestKey && (await this.store.madeBy(requestKey));
    if (before) return before;
    const paymentIntentId = await this.paymentOf(topUpId, request.paymentIntentId);
    const paid = await this.client.paidAtStripe(paymentIntentId);
    if (!(await this.payments.prepare(this.database, paymentIntentId)))
      throw new RefundRefusedError('nothing_to_refund');
    const id = await this.database.transaction(async (tx) => {
      const payment = await this.payments.lock(tx, paymentIntentId);
      const twin = requestKey && (await this.store.madeBy(requestKey, tx));
      return twin ? twin.id : this.open(tx, payment, paid, { ...request, origin: 'operator', requestKey });
    });
    return (await this.store.get(id)) as Refund;
  }

  /** Asks Stripe what it has to know to refund what is unused of a payment that is probably fraud. @throws CardProcessorError */
  async unusedOf(paymentIntentId: string): Promise<UnusedRefund> {
    const paid = await this.client.paidAtStripe(paymentIntentId);
    return async (tx, payment, reason) => {
      if (await this.payments.isDisputed(tx, paymentIntentId)) return undefined;
      if ((await this.mostOf(tx, payment, paid, false)) === 0n) return undefined;
      return this.open(tx, payment, paid, { origin: 'fraud_warning', reason });
    };
  }

  private async open(tx: Tx, payment: ReversiblePayment, paid: bigint, request: OpenedRefund): Promise<string> {
    const { paymentIntentId, customerId } = payment;
    if (await this.payments.isDisputed(tx, paymentIntentId)) throw new RefundRefusedError('payment_disputed');
    const { force: forced = false, reason = null, origin, requestKey } = request;
    const most = await this.mostOf(tx, payment, paid, forced);
    const minor = request.amountCents === undefined ? most : BigInt(request.amountCents);
    if (minor === 0n) throw new RefundRefusedError('nothing_to_refund');
    if (minor > most) {
      const code = forced ? 'refund_exceeds_payment' : 'refund_exceeds_unused';
      throw new RefundRefusedError(code, { refundableCents: most.toString() });
    }
    const id = prefixedId('rfd');
    const taking = { gross: grossOf(payment, paid, minor), because: `refund:${id}`, forced, keepFrozen: true };
    const taken = await this.reversals.take(tx, payment, taking, (amounts) =>
      refundOpened({ ...amounts, refundId: id, forced, paymentIntentId, customerId }),
    );
    if (taken.kind === 'insufficient') throw new Error(`${id} asks for more than is left of ${paymentIntentId}`);
    const row = { ...taken, id, stripeRefundId: null, origin, forced, reason, minor, requestKey };
    await this.store.insert(tx, payment, row);
    await this.jobs.enqueue(tx, cardRefundJob(id));
    return id;
  }

  private async mostOf(tx: Tx, payment: ReversiblePayment, paid: bigint, forced: boolean): Promise<bigint> {
    const left = partOf(payment, payment.gross - payment.returned).credit;
    if (forced || payment.customerId === null) return refundableOf(payment, paid, left);
    return refundableOf(payment, paid, await this.reversals.freeOf(tx, payment));
  }

  private async paymentOf(topUpId: string, named: string | undefined): Promise<string> {
    const [row] = await this.database.query<{ payment_intent_id: string | null; named: boolean }>(
      `SELECT payment_intent_id, EXISTS (SELECT FROM stripe_payments WHERE topup_id = t.id AND payment_intent_id = $2)
              AS named FROM topups t WHERE id = $1 AND rail = 'card'`,
      [topUpId, named ?? null],
    );
    if (!row) throw new NotFoundError({ what: 'top up', id: topUpId });
    if (named !== undefined && !row.named) throw new NotFoundError({ what: 'payment', id: named });
    const paymentIntentId = named ?? row.payment_intent_id;
    if (paymentIntentId === null) throw new RefundRefusedError('nothing_to_refund');
    return paymentIntentId;
  }
}
