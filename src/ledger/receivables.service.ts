import { Injectable, type OnModuleInit } from '@nestjs/common';
import type { AssetCode } from '../common/asset';
import { type Money, plus, smaller } from '../common/money';
import { newId } from '../common/id';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import { JobsService } from '../jobs/jobs.service';
import { receivableRepaid } from './entries';
import type { JournalEntry } from './journal-entry';
import { customerCredits, customerReceivable } from './ledger-account';
import { LedgerAccountsService } from './ledger-accounts.service';
import { LedgerRefusedError } from './ledger-error';
import { type LedgerHold, LedgerService } from './ledger.service';
import type { PostVerdict } from './verdict';

/** Credit that is on the books, and how much of it went to an old debt at once. */
export interface ArrivedCredit {
  readonly entryId: string;
  readonly repaid: Money;
  /** The entry was there already: nothing was written. */
  readonly replayed: boolean;
}

/** Whatever brings credit goes through here, so that a debt never outlives the money that could repay it. */
@Injectable()
export class ReceivablesService implements OnModuleInit {
  constructor(
    private readonly ledger: LedgerService,
    private readonly accounts: LedgerAccountsService,
    private readonly database: DatabaseService,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    const run = async () => void (await this.repayFromCredit());
    this.jobs.register({ name: 'repay-debts', everySeconds: 5, run });
  }

  /**
   * Makes the accounts' rows. Call it before the transaction is opened: a row is made on a connection of its own,
   * and a pool whose connections all wait for another one stands still.
   */
  async prepare(customerId: string, asset: AssetCode): Promise<void> {
    await this.accounts.idsOf([customerCredits(customerId, asset), customerReceivable(customerId, asset)]);
  }

  /**
   * Posts `entry`, which brings `customerId` credit in `asset`, and repays from what is then available, up to its credit
   * limit, what the customer owes. When nothing is owed any more the credit may be spent again. A replayed entry repays nothing. With a
   * hold, it is released first, for `entry` to take what it held: the entry stays known by its key.
   * @throws LedgerRefusedError when the ledger refuses `entry`, such as for a key used for something else.
   */
  async postCredit(
    tx: Tx,
    entry: JournalEntry,
    customerId: string,
    asset: AssetCode,
    hold?: LedgerHold,
  ): Promise<ArrivedCredit> {
    const credits = customerCredits(customerId, asset);
    const receivable = customerReceivable(customerId, asset);
    // Two entries follow each other: all their locks are taken at once, in the ledger's own order.
    const touched = [...entry.postings.flatMap(({ from, to }) => [from, to]), ...(hold ? [hold.account] : [])];
    const ids = await this.accounts.idsOf([...touched, credits, receivable]);
    await tx.query('SELECT FROM ledger_accounts WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE', [ids]);
    if (hold) await this.ledger.releaseIn(tx, hold);
    const posted = accepted(entry.key, await this.ledger.postIn(tx, entry));
    const nothing: Money = { asset, atoms: 0n };
    if (posted.verdict === 'replayed') return { entryId: posted.entryId, repaid: nothing, replayed: true };
    const repaid = await this.repay(tx, customerId, asset, entry.key);
    return { entryId: posted.entryId, repaid, replayed: false };
  }

  /** With both accounts locked. */
  private async repay(tx: Tx, customerId: string, asset: AssetCode, because: string): Promise<Money> {
    const credits = customerCredits(customerId, asset);
    const owed: Money = {
      asset,
      atoms: -(await this.accounts.balance(customerReceivable(customerId, asset), tx)).posted.atoms,
    };
    const { available, creditLimit } = await this.accounts.balance(credits, tx);
    const repaid = smaller(owed, plus(available, creditLimit));
    if (repaid.atoms > 0n) {
      const repayment = receivableRepaid({ customerId, amount: repaid, because });
      accepted(repayment.key, await this.ledger.postIn(tx, repayment));
    }
    if (repaid.atoms === owed.atoms) await this.accounts.unfreeze(tx, credits);
    return repaid.atoms > 0n ? repaid : { asset, atoms: 0n };
  }

  /** What all customers owe in an asset, as atoms. Whoever owes something has a frozen account. */
  async owedInAll(tx: Tx, asset: AssetCode): Promise<bigint> {
    const [row] = await tx.query<{ owed: bigint }>(
      `SELECT coalesce(sum(owed.debits_posted - owed.credits_posted), 0)::bigint AS owed
         FROM ledger_accounts account
         JOIN ledger_accounts owed
           ON owed.code = 'customer:' || account.customer_id || ':receivable' AND owed.asset = account.asset
        WHERE account.frozen AND account.asset = $1`,
      [asset],
    );
    return row?.owed ?? 0n;
  }

  /**
   * Repays what customers owe from what has become available since: a call in flight gave back what it had held, say.
   * Returns how many debts were touched.
   */
  async repayFromCredit(): Promise<number> {
    const owing = await this.database.query<{ customer_id: string; asset: AssetCode }>(
      `SELECT customer_id, asset FROM ledger_accounts
        WHERE frozen AND guarded AND credits_posted - debits_posted - held + credit_limit > 0 LIMIT 100`,
    );
    for (const { customer_id: customerId, asset } of owing) {
      await this.repayFor(customerId, asset);
    }
    return owing.length;
  }

  /** Repays what one customer owes from what is available to it, and lets it spend again once nothing is owed. */
  async repayFor(customerId: string, asset: AssetCode): Promise<void> {
    await this.prepare(customerId, asset);
    await this.database.transaction(async (tx) => {
      const ids = await this.accounts.idsOf([
        customerCredits(customerId, asset),
        customerReceivable(customerId, asset),
      ]);
      await tx.query('SELECT FROM ledger_accounts WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE', [ids]);
      await this.repay(tx, customerId, asset, newId());
    });
  }
}

function accepted(key: string, verdict: PostVerdict): Extract<PostVerdict, { entryId: string }> {
  if (verdict.verdict === 'posted' || verdict.verdict === 'replayed') return verdict;
  throw new LedgerRefusedError(key, verdict.verdict);
}
