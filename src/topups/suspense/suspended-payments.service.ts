import { Injectable } from '@nestjs/common';
import { BillingError, NotFoundError } from '../../common/billing-error';
import { type Money, usd } from '../../common/money';
import { GrantsService } from '../../credits/grants.service';
import { CustomersService } from '../../customers/customers.service';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { suspenseAttributed } from '../../ledger/suspense-entries';
import { Reversals } from '../reversals/reversals.service';
import { ReversiblePayments } from '../reversals/reversible-payments.service';

/** A card payment that belongs to no top-up of ours. */
export interface SuspendedPayment {
  readonly paymentIntentId: string;
  /** What waits of it, in USD. */
  readonly amount: Money;
  readonly paidAt: Date;
}

/** Gives payments that wait in suspense to the customer that an operator names. */
@Injectable()
export class SuspendedPayments {
  constructor(
    private readonly database: DatabaseService,
    private readonly customers: CustomersService,
    private readonly payments: ReversiblePayments,
    private readonly reversals: Reversals,
    private readonly grants: GrantsService,
  ) {}

  /** The oldest first. */
  async list(limit: number): Promise<SuspendedPayment[]> {
    const rows = await this.database.query<{ id: string; atoms: bigint; at: Date }>(
      `SELECT payment_intent_id AS id, gross_atoms - tax_atoms AS atoms, entry.posted_at AS at
         FROM stripe_payments JOIN postings entry USING (entry_id)
        WHERE topup_id IS NULL AND attributed_to IS NULL AND returned_atoms = 0 AND entry.line = 1
          AND NOT EXISTS (SELECT FROM journal_keys WHERE key = 'correction:' || entry_id)
        ORDER BY entry_id LIMIT $1`,
      [limit],
    );
    return rows.map(({ id, atoms, at }) => ({ paymentIntentId: id, amount: usd(atoms), paidAt: at }));
  }

  /**
   * Makes it the customer's paid credit. Safe to repeat.
   * @returns what was credited
   * @throws NotFoundError `customer_not_found`, `suspended_payment_not_found`; NotInSuspenseError
   */
  async attribute(paymentIntentId: string, customerId: string, reason: string): Promise<Money> {
    await this.customers.get(customerId);
    await this.grants.prepare(customerId);
    if (!(await this.payments.prepare(this.database, paymentIntentId))) throw notFound(paymentIntentId);
    return this.database.transaction((tx) => this.attributeIn(tx, paymentIntentId, customerId, reason));
  }

  private async attributeIn(tx: Tx, paymentIntentId: string, customerId: string, reason: string): Promise<Money> {
    const payment = await this.payments.lock(tx, paymentIntentId);
    if (payment.topUpId !== null) throw notFound(paymentIntentId);
    const amount = usd(payment.gross - payment.tax);
    if (payment.customerId === customerId) return amount;
    const isGoingBack = payment.returned > 0n || (await this.payments.isDisputed(tx, paymentIntentId));
    if (payment.customerId !== null || isGoingBack || (await wasCorrected(tx, paymentIntentId))) {
      throw new NotInSuspenseError(paymentIntentId, payment.customerId);
    }
    const entry = suspenseAttributed({ ref: paymentIntentId, customerId, amount, reason });
    const grant = { class: 'paid', origin: 'suspense', originId: paymentIntentId, amount } as const;
    await this.grants.arrive(tx, entry, { customerId, grants: [grant] });
    await tx.query('UPDATE stripe_payments SET attributed_to = $2 WHERE payment_intent_id = $1', [
      paymentIntentId,
      customerId,
    ]);
    // Its bank may have warned of it meanwhile: that is its customer's from now on, and charges nothing by itself.
    for (const table of ['fraud_warnings', 'disputes']) {
      await tx.query(`UPDATE ${table} SET customer_id = $2 WHERE payment_intent_id = $1`, [
        paymentIntentId,
        customerId,
      ]);
    }
    await this.reversals.freezeOrThaw(tx, paymentIntentId);
    return amount;
  }
}

/** It is somebody's already, goes back to its payer, or was taken back by a correction. */
export class NotInSuspenseError extends BillingError {
  constructor(paymentIntentId: string, customerId: string | null) {
    super({
      code: 'payment_not_in_suspense',
      status: 409,
      title: 'Not in suspense any more',
      detail:
        customerId === null
          ? `${paymentIntentId} is going back to its payer, or its entry was corrected.`
          : `${paymentIntentId} was attributed to ${customerId}.`,
      hint: 'Nothing was changed.',
      members: { customerId },
    });
  }
}

const notFound = (id: string) => new NotFoundError({ what: 'suspended payment', id });

const wasCorrected = async (tx: Tx, paymentIntentId: string): Promise<boolean> => {
  const sql = `SELECT FROM journal_keys JOIN stripe_payments paid ON key = 'correction:' || paid.entry_id
                WHERE paid.payment_intent_id = $1`;
  return (await tx.query(sql, [paymentIntentId])).length > 0;
};
