import { Injectable } from '@nestjs/common';
import { GrantsService } from '../../credits/grants.service';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import {
  breakage,
  customerCredits,
  customerReceivable,
  disputesExpense,
  fxDifference,
  promoExpense,
  stripeClearing,
  stripeDisputed,
  stripeRefunding,
  suspense,
  taxPayable,
  writeOff,
} from '../../ledger/ledger-account';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';
import { StripeSources } from '../stripe-sources.service';
import type { Part, ReversiblePayment } from './reversible-payment';

/** Rows of `stripe_payments` as what may go back. */
@Injectable()
export class ReversiblePayments {
  constructor(
    private readonly accounts: LedgerAccountsService,
    private readonly grants: GrantsService,
    private readonly sources: StripeSources,
    private readonly database: DatabaseService,
  ) {}

  /**
   * Before the transaction: makes sure that a payment is on the books, since Stripe may tell of what became of it
   * before it tells of the payment.
   * @returns false for a payment that is none of ours
   */
  async ensure(paymentIntentId: string, chargeId: string): Promise<boolean> {
    if (await this.prepare(this.database, paymentIntentId)) return true;
    const booking = await this.sources.converge(chargeId);
    if (!booking) return false;
    await this.database.transaction(booking);
    return this.prepare(this.database, paymentIntentId);
  }

  /**
   * Before the transaction: makes sure of the ledger accounts.
   * @returns whether the payment is on the books
   */
  async prepare(db: Tx, paymentIntentId: string): Promise<boolean> {
    const [row] = await db.query<{ customer_id: string | null }>(
      `SELECT coalesce(p.attributed_to, t.customer_id) AS customer_id
         FROM stripe_payments p LEFT JOIN topups t ON t.id = p.topup_id WHERE p.payment_intent_id = $1`,
      [paymentIntentId],
    );
    if (!row) return false;
    for (const account of HOUSE) await this.accounts.idOf(account);
    if (row.customer_id !== null) await this.grants.prepare(row.customer_id);
    return true;
  }

  /**
   * The payment, locked, with its top-up, and with every account that its money may pass through: all at once and in the
   * ledger's order.
   */
  async lock(tx: Tx, paymentIntentId: string): Promise<ReversiblePayment> {
    // The top-up first, as whoever books a payment does.
    await tx.query(
      `SELECT FROM topups WHERE id = (SELECT topup_id FROM stripe_payments WHERE payment_intent_id = $1) FOR UPDATE`,
      [paymentIntentId],
    );
    await tx.query('SELECT FROM stripe_payments WHERE payment_intent_id = $1 FOR UPDATE', [paymentIntentId]);
    const { customer_id: customerId } = await this.find(tx, paymentIntentId);
    const own = customerId === null ? [] : [customerCredits(customerId, 'USD'), customerReceivable(customerId, 'USD')];
    const ids = await this.accounts.idsOf([...HOUSE, ...own]);
    await tx.query('SELECT FROM ledger_accounts WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE', [ids]);
    // What it shares with other payments may have changed until now.
    const row = await this.find(tx, paymentIntentId);
    const beside = row.is_shared ? await tx.query<{ atoms: bigint }>(BESIDE, [customerId, paymentIntentId]) : [];
    return toPayment(row, beside[0]?.atoms ?? 0n);
  }

  private async find(tx: Tx, paymentIntentId: string): Promise<PaymentRow> {
    const [row] = await tx.query<PaymentRow>(FIND, [paymentIntentId]);
    if (!row) throw new Error(`payment ${paymentIntentId} is not on the books`);
    return row;
  }

  /** Whether a bank has the payment back and has not decided yet. */
  async isDisputed(tx: Tx, paymentIntentId: string): Promise<boolean> {
    const sql = `SELECT FROM disputes WHERE payment_intent_id = $1 AND phase = 'open'`;
    return (await tx.query(sql, [paymentIntentId])).length > 0;
  }

  /** Whether what is left of it has to wait: a bank has it back and has not decided, or takes it for fraud. */
  async isDoubted(tx: Tx, paymentIntentId: string): Promise<boolean> {
    return (await tx.query(`SELECT WHERE ${isDoubted('$1')}`, [paymentIntentId])).length > 0;
  }

  /** A part of it went back (`sign` 1n), or came again (-1n). Its top-up's state follows. */
  async change(tx: Tx, payment: ReversiblePayment, part: Omit<Part, 'credit'>, sign: 1n | -1n): Promise<void> {
    await tx.query(
      `UPDATE stripe_payments SET returned_atoms = returned_atoms + $2, returned_tax_atoms = returned_tax_atoms + $3,
              voided_bonus_atoms = voided_bonus_atoms + $4 WHERE payment_intent_id = $1`,
      [payment.paymentIntentId, sign * part.gross, sign * part.tax, sign * part.bonus],
    );
    await this.settleTopUp(tx, payment.topUpId);
  }

  /** The state of a paid top-up follows from its payments: how much of them went back, and what a bank doubts. */
  async settleTopUp(tx: Tx, topUpId: string | null): Promise<void> {
    await tx.query(
      `UPDATE topups t SET state = CASE
                WHEN EXISTS (SELECT FROM disputes WHERE topup_id = t.id AND phase = 'open') THEN 'disputed'
                WHEN (SELECT sum(returned_atoms) >= sum(gross_atoms) FROM stripe_payments WHERE topup_id = t.id)
                THEN 'refunded' ELSE 'paid' END
        WHERE id = $1 AND state IN ('paid', 'refunded', 'disputed')`,
      [topUpId],
    );
  }

  /** Behind which hold what is left of it waits; `null`: behind none. */
  async rememberFreeze(tx: Tx, { paymentIntentId }: ReversiblePayment, holdId: string | null): Promise<void> {
    await tx.query('UPDATE stripe_payments SET frozen_by = $2 WHERE payment_intent_id = $1', [paymentIntentId, holdId]);
  }
}

/** With those of a customer's pool, which `GrantsService` locks: all are locked in one order. */
const HOUSE = [
  breakage(),
  stripeClearing(),
  stripeRefunding(),
  stripeDisputed(),
  disputesExpense(),
  fxDifference(),
  promoExpense(),
  suspense('USD'),
  taxPayable(),
  writeOff('USD'),
];

const isDoubted = (paymentIntentId: string): string => `(
  EXISTS (SELECT FROM disputes WHERE payment_intent_id = ${paymentIntentId} AND phase = 'open')
   OR EXISTS (SELECT FROM fraud_warnings WHERE payment_intent_id = ${paymentIntentId} AND actionable AND action <> 'notify')
      AND NOT EXISTS (SELECT FROM disputes WHERE payment_intent_id = ${paymentIntentId} AND phase IN ('lost', 'closed')))`;

/** A payment from before there were grants is a part of the one that its customer's whole balance became. */
const FIND = `
  SELECT p.*, coalesce(p.attributed_to, t.customer_id) AS customer_id, g.id AS grant_id, b.id AS bonus_grant_id,
         coalesce(b.atoms, 0) AS bonus_atoms, coalesce(g.origin = 'correction', false) AS is_shared, g.frozen_by AS shared_hold
    FROM stripe_payments p
    LEFT JOIN topups t ON t.id = p.topup_id
    LEFT JOIN credit_grants g ON (g.origin, g.origin_id) IN
              (('topup', CASE WHEN t.payment_intent_id = p.payment_intent_id THEN t.id END),
               ('extra', p.payment_intent_id), ('suspense', p.payment_intent_id), ('correction', 'opening:' || t.customer_id))
    LEFT JOIN credit_grants b ON b.origin = 'bonus' AND b.origin_id = t.id AND t.payment_intent_id = p.payment_intent_id
   WHERE p.payment_intent_id = $1 ORDER BY g.origin = 'correction' LIMIT 1`;

/** Of the customer's other payments from before there were grants, what is left of those that are doubted. */
const BESIDE = `
  SELECT coalesce(sum(p.gross_atoms - p.returned_atoms - (p.tax_atoms - p.returned_tax_atoms)), 0)::bigint AS atoms
    FROM topups t JOIN stripe_payments p ON p.topup_id = t.id
   WHERE t.customer_id = $1 AND p.payment_intent_id <> $2 AND ${isDoubted('p.payment_intent_id')}
     AND NOT EXISTS (SELECT FROM credit_grants WHERE (origin, origin_id) IN (('extra', p.payment_intent_id),
              ('topup', CASE WHEN t.payment_intent_id = p.payment_intent_id THEN t.id END)))`;

interface PaymentRow {
  payment_intent_id: string;
  topup_id: string | null;
  customer_id: string | null;
  gross_atoms: bigint;
  tax_atoms: bigint;
  returned_atoms: bigint;
  returned_tax_atoms: bigint;
  voided_bonus_atoms: bigint;
  frozen_by: string | null;
  grant_id: string | null;
  bonus_grant_id: string | null;
  bonus_atoms: bigint;
  is_shared: boolean;
  shared_hold: string | null;
}

const toPayment = (row: PaymentRow, doubtedBeside: bigint): ReversiblePayment => ({
  paymentIntentId: row.payment_intent_id,
  topUpId: row.topup_id,
  customerId: row.customer_id,
  gross: row.gross_atoms,
  tax: row.tax_atoms,
  returned: row.returned_atoms,
  returnedTax: row.returned_tax_atoms,
  bonus: row.bonus_atoms,
  voidedBonus: row.voided_bonus_atoms,
  grantId: row.grant_id,
  bonusGrantId: row.bonus_grant_id,
  frozenBy: row.is_shared ? row.shared_hold : row.frozen_by,
  isShared: row.is_shared,
  doubtedBeside,
});
