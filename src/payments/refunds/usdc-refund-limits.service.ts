import { Injectable } from '@nestjs/common';
import { GrantsService } from '../../credits/grants.service';
import type { Tx } from '../../database/tx';
import {
  breakage,
  chainPending,
  conversion,
  customerCredits,
  customerReceivable,
  type LedgerAccount,
  promoExpense,
  refundsGiven,
} from '../../ledger/ledger-account';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';
import type { RefundablePayment } from './refundable-payments.service';
import { refundableOf } from '../usdc-refund';
import { UsdcRefundStore } from '../usdc-refund-store.service';

/** How much of a payment may go back. Whoever gives some of it back has the wallet's accounts locked meanwhile. */
@Injectable()
export class UsdcRefundLimits {
  constructor(
    private readonly accounts: LedgerAccountsService,
    private readonly grants: GrantsService,
    private readonly store: UsdcRefundStore,
  ) {}

  /** Makes the accounts' rows. Before the transaction is opened: a row is made on a connection of its own. */
  async prepare(payment: RefundablePayment, network: string | undefined): Promise<void> {
    await this.accounts.idsOf(touchedBy(payment, network));
  }

  /** Every account that a refund of it moves, all at once and in the ledger's order: one refund after the other. */
  async lock(tx: Tx, payment: RefundablePayment, network: string | undefined): Promise<void> {
    const ids = await this.accounts.idsOf(touchedBy(payment, network));
    await tx.query('SELECT FROM ledger_accounts WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE', [ids]);
  }

  /**
   * The most that may go back now, in micro-USDC, with the accounts locked. `forced`: also what of a top-up is used up.
   */
  async most(tx: Tx, payment: RefundablePayment, forced: boolean): Promise<bigint> {
    const left = refundableOf(payment, await this.store.earlier(tx, payment));
    if (payment.source === 'call' || (payment.toppedUp && forced)) return left;
    const unused = payment.toppedUp ? await this.unusedOf(tx, payment.toppedUp.grantId) : await this.free(tx, payment);
    return unused < left ? unused : left;
  }

  /** Whether the wallet owes for a call: what it gets is not its own until that is repaid. */
  async owes(tx: Tx, { walletId }: RefundablePayment): Promise<boolean> {
    return (await this.accounts.balance(customerCredits(walletId, 'USDC'), tx)).frozen;
  }

  /** Of the wallet's balance, what no call in flight holds. */
  private async free(tx: Tx, { walletId }: RefundablePayment): Promise<bigint> {
    return (await this.accounts.balance(customerCredits(walletId, 'USDC'), tx)).available.atoms;
  }

  /** Whole micro-USDC of the credit that it brought: what is finer stays. */
  private async unusedOf(tx: Tx, grantId: string): Promise<bigint> {
    return (await this.grants.remaining(tx, grantId)).free.atoms / 1000n;
  }
}

/** With those of the customer's pool, which `GrantsService` locks. */
function touchedBy({ walletId, toppedUp }: RefundablePayment, network: string | undefined): LedgerAccount[] {
  const own = (customerId: string, asset: 'USD' | 'USDC') => [
    customerCredits(customerId, asset),
    customerReceivable(customerId, asset),
  ];
  return [
    ...own(walletId, 'USDC'),
    ...(toppedUp
      ? [...own(toppedUp.customerId, 'USD'), breakage(), promoExpense(), conversion('USD'), conversion('USDC')]
      : [refundsGiven('USDC')]),
    ...(network === undefined ? [] : [chainPending(network)]),
  ];
}
