import { Injectable } from '@nestjs/common';
import { type Money, usd } from '../common/money';
import { NotificationsService } from '../customers/notifications.service';
import type { Tx } from '../database/tx';
import { stripeClearing, stripeFees, stripeProcessing } from '../ledger/ledger-account';
import { LedgerAccountsService } from '../ledger/ledger-accounts.service';
import { ownMovement } from '../ledger/payout-entries';
import { bankDebitNews } from './bank-debit-news';
import type { UnpaidCharge } from './paid-charges.client';
import type { StripeEffect } from './stripe-events.service';
import { StripeMovements } from './stripe-movements.service';
import { centsToUsd } from './topup';

/**
 * Bank debits that Stripe's balance counts before the bank has said yes: nobody's credit, in `stripe:processing`. Paid, they
 * leave it for the entry of their payment (`StripeMovements.bindPayment`); refused, the balance gives them back.
 * https://support.stripe.com/questions/changes-to-balance-transaction-behavior-for-debit-payment-methods
 */
@Injectable()
export class BankDebits {
  constructor(
    private readonly accounts: LedgerAccountsService,
    private readonly movements: StripeMovements,
    private readonly notifications: NotificationsService,
  ) {}

  /** What is left to be written of a debit that was never credited. */
  async effectOf(debit: UnpaidCharge): Promise<StripeEffect> {
    const { submitted, back } = debit;
    await this.accounts.idsOf([stripeClearing(), stripeFees(), stripeProcessing()]);
    return async (tx) => {
      let changed = false;
      for (const [kind, movement] of [
        ['debit_submitted', submitted],
        ['debit_failed', back],
      ] as const) {
        if (!movement) continue;
        // What settles in another currency than USD stays open, for reconciliation.
        if (movement.currency !== 'usd') await this.movements.see(tx, movement);
        else {
          const [moved, fee] = [centsToUsd(movement.amount), centsToUsd(movement.fee)];
          const entry = ownMovement(kind, { transactionId: movement.id, moved, fee });
          if (!(await this.movements.book(tx, movement, entry))) continue;
          changed = true;
          if (kind === 'debit_failed') await this.tell(tx, debit, usd(-moved.atoms));
        }
      }
      return changed ? 'debit_changed' : 'unchanged';
    };
  }

  private async tell(tx: Tx, { chargeId, topUpId }: UnpaidCharge, amount: Money): Promise<void> {
    const [topUp] = await tx.query<{ customer_id: string }>('SELECT customer_id FROM topups WHERE id = $1', [topUpId]);
    const debit = { chargeId, topUpId, customerId: topUp?.customer_id ?? null, amount };
    for (const news of bankDebitNews({ ...debit, taken: usd(0n), owed: usd(0n) })) {
      await this.notifications.add(tx, news);
    }
  }
}
