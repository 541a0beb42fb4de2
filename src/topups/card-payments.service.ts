import { Inject, Injectable, Logger } from '@nestjs/common';
import { type Money, minus, usd } from '../common/money';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import type { NewGrant } from '../credits/grant';
import { GrantsService } from '../credits/grants.service';
import type { Tx } from '../database/tx';
import { JobsService } from '../jobs/jobs.service';
import {
  type CardPayment,
  exchangeDiffered,
  extraPaymentReceived,
  stripeFeeCharged,
  topUpReceived,
  unknownPaymentReceived,
} from '../ledger/entries';
import { fxDifference, promoExpense, stripeClearing, stripeFees, suspense, taxPayable } from '../ledger/ledger-account';
import { LedgerAccountsService } from '../ledger/ledger-accounts.service';
import { LedgerRefusedError } from '../ledger/ledger-error';
import { LedgerService } from '../ledger/ledger.service';
import type { JournalEntry } from '../ledger/journal-entry';
import { type BookedTopUp, findTopUp, notePaid, rememberEntry } from './booked-topups';
import type { CheckoutReference, ReportedPayment } from './checkout-event';
import { stripeFeeJob } from './stripe-fee-job';
import { StripeMovements } from './stripe-movements.service';
import { feeInUsd, type StripeTransaction } from './stripe-transaction';
import { ATOMS_PER_CENT, centsToUsd, inUsd, nextState, type TopUpNews } from './topup';

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
    @Inject(CONFIG) private readonly config: Config,
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
    if (movement && effect !== 'already_booked') await this.bookExchange(tx, payment.paymentIntentId, movement);
    return effect;
  }

  private async enter(tx: Tx, checkout: CheckoutReference, payment: ReportedPayment, fee?: Money): Promise<Effect> {
    const { paymentIntentId, currency } = payment;
    const topUp = await findTopUp(tx, checkout, 'FOR UPDATE');
    if (currency !== (topUp?.currency ?? 'usd')) {
      this.logger.error(
        `ALERT ${payment.total} ${currency} of ${paymentIntentId} are in no currency that was asked for.`,
      );
      return 'unsupported_currency';
    }
    const gross = inUsd(payment.total, topUp?.atoms_per_minor ?? ATOMS_PER_CENT);
    const tax = inUsd(payment.tax, topUp?.atoms_per_minor ?? ATOMS_PER_CENT);
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
    if (topUp) return this.credit(tx, topUp, arrived);
    this.logger.error(`ALERT ${paymentIntentId} of ${checkout.sessionId} belongs to no top-up: it is in suspense.`);
    const entry = unknownPaymentReceived({ ...arrived, sessionId: checkout.sessionId ?? paymentIntentId });
    await rememberEntry(tx, paymentIntentId, await this.post(tx, entry));
    return 'suspense';
  }

  /** The first payment also brings the bonus, if it is all that was asked for. */
  private async credit(tx: Tx, topUp: BookedTopUp, arrived: Required<CardPayment>): Promise<Effect> {
    const { paymentIntentId, gross, tax } = arrived;
    const { id: topUpId, customer_id: customerId } = topUp;
    const first = topUp.payment_intent_id === null;
    const credit = minus(gross, tax);
    const bonus = first && topUp.bonus_atoms > 0n && credit.atoms >= topUp.atoms ? usd(topUp.bonus_atoms) : undefined;
    const whose = { ...arrived, topUpId, customerId };
    const entry = first ? topUpReceived({ ...whose, ...(bonus ? { bonus } : {}) }) : extraPaymentReceived(whose);
    const [origin, originId] = first ? (['topup', topUpId] as const) : (['extra', paymentIntentId] as const);
    const grants: NewGrant[] = [{ class: 'paid', origin, originId, amount: credit }];
    if (bonus) {
      const expiresAt = new Date(Date.now() + this.config.topUps.bonusDays * DAY_MS);
      grants.push({ class: 'promo', origin: 'bonus', originId: topUpId, amount: bonus, expiresAt });
    }
    const { entryId } = await this.grants.arrive(tx, entry, { customerId, grants });
    await rememberEntry(tx, paymentIntentId, entryId);
    await notePaid(tx, topUp, { paymentIntentId, entryId, credit, tax, bonus });
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

  /** Whether a payment is on the books: credited, or in suspense. */
  async isBooked(db: Tx, paymentIntentId: string): Promise<boolean> {
    const rows = await db.query('SELECT FROM stripe_payments WHERE payment_intent_id = $1', [paymentIntentId]);
    return rows.length > 0;
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
    await this.bookExchange(tx, paymentIntentId, movement);
    if (fee.atoms > 0n) {
      await this.post(tx, stripeFeeCharged({ paymentIntentId, customerId: payment.customer_id, fee }));
    }
    return 'fee_booked';
  }

  /** What Stripe's rate made of a payment in another currency, beside the fixed rate that it was credited at. */
  private async bookExchange(tx: Tx, paymentIntentId: string, movement: StripeTransaction): Promise<void> {
    const [payment] = await tx.query<{ gross_atoms: bigint; customer_id: string }>(
      `SELECT gross_atoms, customer_id FROM stripe_payments p JOIN topups t ON t.id = p.topup_id
        WHERE p.payment_intent_id = $1 AND currency <> 'usd'`,
      [paymentIntentId],
    );
    if (!payment || movement.currency !== 'usd') return;
    const gained = minus(centsToUsd(movement.amount), usd(payment.gross_atoms));
    if (gained.atoms === 0n) return;
    await this.post(tx, exchangeDiffered({ paymentIntentId, customerId: payment.customer_id, gained }));
  }

  private async post(tx: Tx, entry: JournalEntry): Promise<string> {
    const verdict = await this.ledger.postIn(tx, entry);
    if (verdict.verdict === 'posted' || verdict.verdict === 'replayed') return verdict.entryId;
    throw new LedgerRefusedError(entry.key, verdict.verdict);
  }
}

const HOUSE = [stripeClearing(), stripeFees(), taxPayable(), suspense('USD'), promoExpense(), fxDifference()];
const DAY_MS = 86_400_000;
