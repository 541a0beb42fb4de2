import { Injectable } from '@nestjs/common';
import type { AssetCode } from '../common/asset';
import { GrantExpiry } from '../credits/grant-expiry.service';
import { customerCredits, customerReceivable } from '../ledger/ledger-account';
import { LedgerAccountsService } from '../ledger/ledger-accounts.service';

/** What a customer has in one asset, in its atoms. */
export interface AssetBalance {
  readonly asset: AssetCode;
  readonly available: bigint;
  readonly held: bigint;
  readonly posted: bigint;
  readonly owed: bigint;
  readonly creditLimit: bigint;
  readonly frozen: boolean;
}

/** What customers have and owe now, straight from the ledger. */
@Injectable()
export class Balances {
  constructor(
    private readonly accounts: LedgerAccountsService,
    private readonly expiry: GrantExpiry,
  ) {}

  /** Once what has expired is booked; `usdc` is left out when there was never any. */
  async of(customerId: string): Promise<{ readonly usd: AssetBalance; readonly usdc?: AssetBalance }> {
    await this.expiry.settle(customerId);
    // One statement for all accounts: what is owed and what is there belong to the same moment.
    const accounts = await this.accounts.list(customerId);
    const usdc = balanceIn('USDC', customerId, accounts);
    const wasUsed = usdc.posted !== 0n || usdc.owed !== 0n || accounts.some(({ posted }) => posted.asset === 'USDC');
    return { usd: balanceIn('USD', customerId, accounts), ...(wasUsed ? { usdc } : {}) };
  }
}

/** What a credit limit let it use before it paid, and what calls cost beyond that. */
export const owedOf = (posted: bigint, receivable: bigint): bigint => (posted < 0n ? -posted : 0n) - receivable;

function balanceIn(
  asset: AssetCode,
  customerId: string,
  accounts: Awaited<ReturnType<LedgerAccountsService['list']>>,
): AssetBalance {
  const find = (code: string) => accounts.find((a) => a.code === code && a.posted.asset === asset);
  const credits = find(customerCredits(customerId, asset).code);
  const receivable = find(customerReceivable(customerId, asset).code);
  const creditLimit = credits?.creditLimit.atoms ?? 0n;
  const posted = credits?.posted.atoms ?? 0n;
  return {
    asset,
    available: (credits?.available.atoms ?? 0n) + creditLimit,
    held: credits?.held.atoms ?? 0n,
    posted,
    owed: owedOf(posted, receivable?.posted.atoms ?? 0n),
    creditLimit,
    frozen: credits?.frozen ?? false,
  };
}
