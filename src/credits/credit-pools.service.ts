import { Injectable } from '@nestjs/common';
import type { Tx } from '../database/tx';
import type { JournalEntry } from '../ledger/journal-entry';
import { customerCredits, customerReceivable } from '../ledger/ledger-account';
import { LedgerAccountsService } from '../ledger/ledger-accounts.service';
import type { LedgerHold } from '../ledger/ledger.service';
import { allocate, withoutShares } from './allocation';
import type { CreditPool } from './credit-pool';
import { GrantStore } from './grant-store.service';

/** A customer's credit as nobody else can change it until the transaction ends. */
@Injectable()
export class CreditPools {
  constructor(
    private readonly accounts: LedgerAccountsService,
    private readonly store: GrantStore,
  ) {}

  /**
   * Locks what the customer's credit and `entry` may touch, all at once and in the ledger's order (who locked the
   * credit first and a house account later would wait for a flush that waits for him), and brings the grants up to date.
   */
  async open(tx: Tx, customerId: string, entry?: JournalEntry, hold?: LedgerHold): Promise<CreditPool> {
    const ids = await this.accounts.idsOf([
      customerCredits(customerId, 'USD'),
      customerReceivable(customerId, 'USD'),
      ...(hold ? [hold.account] : []),
      ...(entry?.postings.flatMap(({ from, to, overflow = from }) => [from, to, overflow]) ?? []),
    ]);
    await tx.query('SELECT FROM ledger_accounts WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE', [ids]);
    return this.checkpoint(tx, customerId);
  }

  /** Takes what was used since the last checkpoint off the grants, in their order. */
  private async checkpoint(tx: Tx, customerId: string): Promise<CreditPool> {
    const account = customerCredits(customerId, 'USD');
    const accountId = await this.accounts.idOf(account);
    const [row] = await tx.query<PositionRow>(POSITION, [accountId]);
    if (!row) throw new Error(`ledger account ${account.code} has no row`);
    const { debits_posted: debits, debits_seen: seen, free } = row;
    const grants = await this.store.left(tx, accountId);
    const { shares, left } = allocate(grants, debits - seen);
    await this.store.move(tx, 'consumed', shares);
    if (debits > seen) await this.store.place(tx, accountId, debits, left);
    const uncovered = row.uncovered_atoms + left;
    return { customerId, account, accountId, debits, free, uncovered, grants: withoutShares(grants, shares) };
  }
}

const POSITION = `
  SELECT debits_posted, credits_posted - debits_posted - held AS free,
         coalesce(debits_seen, 0) AS debits_seen, coalesce(uncovered_atoms, 0) AS uncovered_atoms
    FROM ledger_accounts account LEFT JOIN credit_positions ON account_id = account.id WHERE account.id = $1`;

interface PositionRow {
  debits_posted: bigint;
  free: bigint;
  debits_seen: bigint;
  uncovered_atoms: bigint;
}
