import { Injectable } from '@nestjs/common';
import { type Money, usdc } from '../../common/money';
import { customerCredits, customerReceivable } from '../../ledger/ledger-account';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';
import { SignIns } from './sign-ins.service';

/** In USDC. */
export interface WalletBalance {
  readonly posted: Money;
  /** Without what calls in flight hold. */
  readonly available: Money;
  readonly owed: Money;
}

/** What a wallet has on the books. */
@Injectable()
export class WalletBalances {
  constructor(
    private readonly signIns: SignIns,
    private readonly accounts: LedgerAccountsService,
  ) {}

  /** Zero for a wallet that never paid here. */
  async of(address: string): Promise<WalletBalance> {
    const customerId = await this.signIns.customerOf(address);
    if (customerId === undefined) return { posted: usdc(0n), available: usdc(0n), owed: usdc(0n) };
    const { posted, available } = await this.accounts.balance(customerCredits(customerId, 'USDC'));
    const receivable = await this.accounts.balance(customerReceivable(customerId, 'USDC'));
    return { posted, available, owed: usdc(-receivable.posted.atoms) };
  }
}
