import { Injectable } from '@nestjs/common';
import { usd } from '../common/money';
import type { Tx } from '../database/tx';
import { grantExpired } from '../ledger/grant-entries';
import type { JournalEntry } from '../ledger/journal-entry';
import {
  breakage,
  customerCredits,
  customerReceivable,
  type LedgerAccount,
  promoExpense,
} from '../ledger/ledger-account';
import { LedgerAccountsService } from '../ledger/ledger-accounts.service';
import { LedgerRefusedError } from '../ledger/ledger-error';
import { LedgerService } from '../ledger/ledger.service';
import { allocate, withoutShares } from './allocation';
import { type CreditPool, unheldOf } from './credit-pool';
import type { CreditGrant } from './grant';
import { GrantStore } from './grant-store.service';

/** A customer's credit as nobody else can change it until the transaction ends. */
@Injectable()
export class CreditPools {
  constructor(
    private readonly ledger: LedgerService,
    private readonly accounts: LedgerAccountsService,
    private readonly store: GrantStore,
  ) {}

  /** Makes the accounts' rows. Before the transaction is opened: a row is made on a connection of its own. */
  async prepare(customerId: string, more: readonly LedgerAccount[] = []): Promise<void> {
    await this.accounts.idsOf([...accountsOf(customerId), ...more]);
  }

  /**
   * Locks what the customer's credit and `touched` are, all at once and in the ledger's order (who locked the credit
   * first and a house account later would wait for a flush that waits for him), and brings the grants up to date: what
   * was used is taken off them, and what has expired is booked.
   */
  open(tx: Tx, customerId: string, touched: readonly LedgerAccount[] = []): Promise<CreditPool> {
    return this.openAt(tx, customerCredits(customerId, 'USD'), touched);
  }

  /** The same for any account of a customer's credit. */
  async openAt(tx: Tx, account: LedgerAccount, touched: readonly LedgerAccount[] = []): Promise<CreditPool> {
    const ids = await this.accounts.idsOf([...accountsOf(account.customerId as string), account, ...touched]);
    await tx.query('SELECT FROM ledger_accounts WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE', [ids]);
    const { pool, now, expiryIsDue } = await this.checkpoint(tx, account);
    return expiryIsDue ? this.expire(tx, pool, now) : pool;
  }

  /** Says when credit of the pool ends next. Before `later` is not asked again for what calls in flight still hold. */
  async schedule(tx: Tx, accountId: string, later: Date | null = null): Promise<void> {
    await tx.query(SCHEDULE, [accountId, later]);
  }

  /** Takes what was used since the last checkpoint off the grants, in their order. */
  private async checkpoint(tx: Tx, account: LedgerAccount) {
    const customerId = account.customerId as string;
    const accountId = await this.accounts.idOf(account);
    const [row] = await tx.query<PositionRow>(POSITION, [accountId]);
    if (!row) throw new Error(`ledger account ${account.code} has no row`);
    const { debits_posted: debits, debits_seen: seen, free, now } = row;
    const left = await this.store.left(tx, accountId);
    // What no grant could bear before, one may now: a dispute gave back what it had frozen.
    const borne = allocate(left, debits - seen + row.uncovered_atoms);
    const uncovered = borne.left;
    await this.store.move(tx, 'consumed', borne.shares);
    if (debits > seen || uncovered !== row.uncovered_atoms) await this.store.place(tx, accountId, debits, uncovered);
    const grants = withoutShares(left, borne.shares);
    const pool: CreditPool = { customerId, account, accountId, debits, free, uncovered, grants };
    return { pool, now, expiryIsDue: row.expiry_is_due };
  }

  /**
   * Books what has expired until `now`. A call that was let in before may still use what it holds, in the order of use;
   * what it gives back ends a moment later.
   */
  private async expire(tx: Tx, pool: CreditPool, now: Date): Promise<CreditPool> {
    let { debits, free } = pool;
    const shares = [];
    for (const grant of pool.grants.filter(({ expiresAt }) => expiresAt !== null && expiresAt <= now)) {
      const held = await this.store.heldBefore(tx, pool.accountId, grant.expiresAt as Date);
      const atoms = unheldOf(grant, { ...pool, free }, held);
      if (atoms <= 0n) continue;
      const share = { grantId: grant.id, atoms };
      await this.store.move(tx, 'expired', [share], await this.book(tx, pool.account, grant, atoms));
      shares.push(share);
      debits += atoms;
      free -= atoms;
    }
    await this.store.place(tx, pool.accountId, debits, pool.uncovered);
    await this.schedule(tx, pool.accountId, now);
    return { ...pool, debits, free, grants: withoutShares(pool.grants, shares) };
  }

  private async book(tx: Tx, account: LedgerAccount, grant: CreditGrant, atoms: bigint): Promise<string> {
    const { id: grantId, expiresAt } = grant;
    const times = await this.store.timesExpired(tx, grantId);
    const expiredAt = expiresAt as Date;
    const entry = grantExpired({ grantId, times, account, class: grant.class, amount: usd(atoms), expiredAt });
    const posted = await this.ledger.postIn(tx, entry);
    if (posted.verdict !== 'posted') throw new LedgerRefusedError(entry.key, posted.verdict);
    return posted.entryId;
  }
}

/** Every account that an entry may move. */
export const touchedBy = ({ postings }: JournalEntry): LedgerAccount[] =>
  postings.flatMap(({ from, to, overflow = from }) => [from, to, overflow]);

const accountsOf = (customerId: string): LedgerAccount[] => [
  customerCredits(customerId, 'USD'),
  customerReceivable(customerId, 'USD'),
  breakage(),
  promoExpense(),
];

const POSITION = `
  SELECT debits_posted, credits_posted - debits_posted - held AS free, clock_timestamp() AS now,
         coalesce(next_expiry <= clock_timestamp(), false) AS expiry_is_due,
         coalesce(debits_seen, 0) AS debits_seen, coalesce(uncovered_atoms, 0) AS uncovered_atoms
    FROM ledger_accounts account LEFT JOIN credit_positions ON account_id = account.id WHERE account.id = $1`;

/** Frozen credit ends when it is thawed. */
const SCHEDULE = `
  UPDATE ledger_accounts SET next_expiry = (
    SELECT min(CASE WHEN expires_at <= $2 THEN $2::timestamptz + interval '1 second' ELSE expires_at END)
      FROM credit_grants WHERE account_id = $1 AND remaining_atoms > frozen_atoms)
   WHERE id = $1`;

interface PositionRow {
  debits_posted: bigint;
  debits_seen: bigint;
  free: bigint;
  now: Date;
  expiry_is_due: boolean;
  uncovered_atoms: bigint;
}
