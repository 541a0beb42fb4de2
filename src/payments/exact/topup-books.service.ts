import { Injectable } from '@nestjs/common';
import { type Money, usd, usdcToUsdAtPar } from '../../common/money';
import { GrantsService } from '../../credits/grants.service';
import { DatabaseService } from '../../database/database.service';
import { usdcTopUpConverted } from '../../ledger/entries';
import { customerCredits } from '../../ledger/ledger-account';
import { LedgerService } from '../../ledger/ledger.service';
import { ReceivablesService } from '../../ledger/receivables.service';
import { walletHold } from '../wallet-hold';
import type { ExactHold } from './exact-hold';

/** Where the settled USDC goes: into a customer's USD balance, or nowhere else than the wallet's own credit. */
@Injectable()
export class TopUpBooks {
  constructor(
    private readonly database: DatabaseService,
    private readonly ledger: LedgerService,
    private readonly grants: GrantsService,
    private readonly receivables: ReceivablesService,
  ) {}

  /** What a payment credited to a customer's USD balance before, or `undefined` when it did not. */
  async creditedBy(customerId: string | undefined, claimKey: string): Promise<Money | undefined> {
    const [posted] = await this.database.query<{ atoms: bigint }>(
      `SELECT postings.atoms FROM journal_keys JOIN postings USING (entry_id)
         JOIN ledger_accounts account ON account.id = postings.credit_account_id
        WHERE journal_keys.key = $1 AND account.code = $2 AND account.asset = 'USD'`,
      [`topup:${claimKey}`, customerId === undefined ? '' : customerCredits(customerId, 'USD').code],
    );
    return posted && usd(posted.atoms);
  }

  /** Returns what was credited, in the asset of the credit. */
  async credit(customerId: string | undefined, hold: ExactHold): Promise<Money> {
    if (customerId === undefined) {
      await this.ledger.release(walletHold(hold));
      await this.receivables.repayFor(hold.customerId, 'USDC');
      return hold.amount;
    }
    const entry = usdcTopUpConverted({
      topUpId: hold.claimKey,
      walletId: hold.customerId,
      customerId,
      amount: hold.amount,
    });
    const credited = usdcToUsdAtPar(hold.amount);
    const grant = { class: 'paid', origin: 'usdc', originId: hold.claimKey, amount: credited } as const;
    await this.grants.prepare(customerId);
    await this.database.transaction((tx) =>
      this.grants.arrive(tx, entry, { customerId, grants: [grant], hold: walletHold(hold) }),
    );
    return credited;
  }
}
