import { Injectable, Logger } from '@nestjs/common';
import { type Money, minus, usd } from '../common/money';
import type { NewGrant } from '../credits/grant';
import { GrantsService } from '../credits/grants.service';
import type { Tx } from '../database/tx';
import { JobsService } from '../jobs/jobs.service';
import { extraPaymentReceived, stripeFeeCharged, topUpReceived, unknownPaymentReceived } from '../ledger/entries';
import { stripeClearing, stripeFees, suspense, taxPayable } from '../ledger/ledger-account';
import { LedgerAccountsService } from '../ledger/ledger-accounts.service';
import { LedgerRefusedError } from '../ledger/ledger-error';
import { LedgerService } from '../ledger/ledger.service';
import type { JournalEntry } from '../ledger/journal-entry';
import type { CheckoutReference, ReportedPayment } from './checkout-event';
import { stripeFeeJob } from './stripe-fee-job';
import { StripeMovements } from './stripe-movements.service';
import { feeInUsd, type StripeTransaction } from './stripe-transaction';
import { centsToUsd, nextState, type TopUpNews, type TopUpState } from './topup';

/** What an event did to the books, kept with the event. */
export type Effect =
  | 'credited'
  | 'extra_credit'
  | 'suspense'
  | 'unsupported_currency'
  | 'already_booked'
  | 'nothing_paid'
  | 'fee_booked'
  | 'state_changed'
  | 'unchanged';

/** Puts what Stripe reports on the books, always in the caller's transaction. */
@Injectable()
export class CardPaymentsService {
  private readonly logger = new Logger('CardPayments');

  constructor(
    private readonly ledger: LedgerService,
    private readonly grants: GrantsService,
    private readonly accounts: LedgerAccountsService,
    private readonly jobs: JobsService,
    private readonly movements: StripeMovements,
  ) {}

  /** Before the transaction: makes sure of the ledger accounts that the payment of this checkout may need. */
  async prepare(db: Tx, checkout: CheckoutReference): Promise<void> {
    for (const account of HOUSE) await this.accounts.idOf(account);
    const topUp = await findTopUp(db, checkout, '');
    if (topUp) await this.grants.prepare(topUp.customer_id);
  }

  /**
   * A payment arrived, with its movement at Stripe (which tells the fee) if that is known. Each payment intent is
   * booked once, whatever tells of it. No top-up: suspense. A second payment of the same top-up: further credit.
   */
  async book(
    tx: Tx,
    checkout: CheckoutReference,
    payment: ReportedPayment,
    movement?: StripeTransaction,
  ): Promise<Effect> {
    const effect = await this.enter(tx, checkout, payment, movement && feeInUsd(movement));
    if (movement) await this.movements.bindPayment(tx, movement);
    return effect;
  }

  private async enter(tx: Tx, checkout: CheckoutReference, payment: ReportedPayment, fee?: Money): Promise<Effect> {
    const { paymentIntentId, currency } = payment;
    if (currency !== 'usd') {
      this.logger.error(`ALERT ${payment.total} ${currency} of ${paymentIntentId} are not on the books: only usd is.`);
      return 'unsupported_currency';
    }
    const topUp = await findTopUp(tx, checkout, 'FOR UPDATE');
    const gross = centsToUsd(payment.total);
    const tax = centsToUsd(payment.tax);
    const fresh = await tx.query(
      `INSERT INTO stripe_payments (payment_intent_id, checkout_session_id, topup_id, gross_atoms, tax_atoms, fee_atoms)
       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING 1`,
      [paymentIntentId, checkout.sessionId, topUp?.id ?? null, gross.atoms, tax.atoms, fee?.atoms ?? null],
    );
    if (fresh.length === 0) return 'already_booked';
    // A session without a payment intent has no fee to ask for.
    if (fee === undefined && paymentIntentId.startsWith('pi_')) {
      await this.jobs.enqueue(tx, stripeFeeJob(paymentIntentId));
    }
    const arrived = { paymentIntentId, gross, tax, fee: fee ?? usd(0n) };
    if (!topUp) {
      this.logger.error(`ALERT ${paymentIntentId} of ${checkout.sessionId} belongs to no top-up: it is in suspense.`);
      const entry = unknownPaymentReceived({ ...arrived, sessionId: checkout.sessionId ?? paymentIntentId });
      await rememberEntry(tx, paymentIntentId, await this.post(tx, entry));
      return 'suspense';
    }
    const first = topUp.payment_intent_id === null;
    const whose = { ...arrived, topUpId: topUp.id, customerId: topUp.customer_id };
    const entry = first ? topUpReceived(whose) : extraPaymentReceived(whose);
    const grant: NewGrant = {
      class: 'paid',
      origin: first ? 'topup' : 'extra',
      originId: first ? topUp.id : paymentIntentId,
      amount: minus(gross, tax),
    };
    const { entryId } = await this.grants.arrive(tx, entry, { customerId: topUp.customer_id, grants: [grant] });
    await rememberEntry(tx, paymentIntentId, entryId);
    await tx.query(
      `UPDATE topups SET state = $2, payment_intent_id = coalesce(payment_intent_id, $3),
              entry_id = coalesce(entry_id, $4), paid_atoms = coalesce(paid_atoms, 0) + $5,
              paid_at = coalesce(paid_at, now()) WHERE id = $1`,
      [topUp.id, nextState(topUp.state, 'paid'), paymentIntentId, entryId, gross.atoms - tax.atoms],
    );
    return first ? 'credited' : 'extra_credit';
  }

  /** Something other than money happened to a checkout. */
  async note(tx: Tx, checkout: CheckoutReference, news: Exclude<TopUpNews, 'paid'>): Promise<Effect> {
    const topUp = await findTopUp(tx, checkout, 'FOR UPDATE');
    const state = topUp && nextState(topUp.state, news);
    if (!topUp || state === topUp.state) return 'unchanged';
    await tx.query('UPDATE topups SET state = $2 WHERE id = $1', [topUp.id, state]);
    return 'state_changed';
  }

  /** Whether a payment is on the books without its fee. */
  async lacksFee(db: Tx, paymentIntentId: string): Promise<boolean> {
    const rows = await db.query('SELECT FROM stripe_payments WHERE payment_intent_id = $1 AND fee_atoms IS NULL', [
      paymentIntentId,
    ]);
    return rows.length > 0;
  }

  /** Books the movement of a payment, and its fee if it was booked without one. */
  async bookMovement(tx: Tx, paymentIntentId: string, movement: StripeTransaction): Promise<Effect> {
    await this.movements.bindPayment(tx, movement);
    const fee = feeInUsd(movement);
    if (!fee) return 'unchanged';
    const [payment] = await tx.query<{ customer_id: string | null }>(
      `UPDATE stripe_payments SET fee_atoms = $2 WHERE payment_intent_id = $1 AND fee_atoms IS NULL
       RETURNING (SELECT customer_id FROM topups WHERE id = topup_id) AS customer_id`,
      [paymentIntentId, fee.atoms],
    );
    if (!payment) return 'unchanged';
    if (fee.atoms > 0n) {
      await this.post(tx, stripeFeeCharged({ paymentIntentId, customerId: payment.customer_id, fee }));
    }
    return 'fee_booked';
  }

  private async post(tx: Tx, entry: JournalEntry): Promise<string> {
    const verdict = await this.ledger.postIn(tx, entry);
    if (verdict.verdict === 'posted' || verdict.verdict === 'replayed') return verdict.entryId;
    throw new LedgerRefusedError(entry.key, verdict.verdict);
  }
}

const HOUSE = [stripeClearing(), stripeFees(), taxPayable(), suspense('USD')];

interface BookedTopUp {
  id: string;
  customer_id: string;
  state: TopUpState;
  payment_intent_id: string | null;
}

/** By the session that we made for it, or by the id that we gave that session along. */
async function findTopUp(tx: Tx, checkout: CheckoutReference, lock: '' | 'FOR UPDATE') {
  const rows = await tx.query<BookedTopUp>(
    `SELECT id, customer_id, state, payment_intent_id FROM topups
      WHERE rail = 'card' AND (checkout_session_id = $1 OR id = $2)
      ORDER BY (checkout_session_id = $1) DESC NULLS LAST LIMIT 1 ${lock}`,
    [checkout.sessionId, checkout.topUpId],
  );
  return rows[0];
}

async function rememberEntry(tx: Tx, paymentIntentId: string, entryId: string): Promise<void> {
  await tx.query('UPDATE stripe_payments SET entry_id = $2 WHERE payment_intent_id = $1', [paymentIntentId, entryId]);
}
