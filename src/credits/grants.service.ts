import { Injectable } from '@nestjs/common';
import { type Money, usd } from '../common/money';
import type { Tx } from '../database/tx';
import type { JournalEntry } from '../ledger/journal-entry';
import { customerCredits } from '../ledger/ledger-account';
import { LedgerRefusedError } from '../ledger/ledger-error';
import { type LedgerHold, LedgerService } from '../ledger/ledger.service';
import { type ArrivedCredit, ReceivablesService } from '../ledger/receivables.service';
import { allocate, sumOf } from './allocation';
import { BalanceWatch } from './balance-watch.service';
import { type CreditPool, freeOf, frozenHold, named, thawed } from './credit-pool';
import { CreditPools, touchedBy } from './credit-pools.service';
import { accountOf, type CreditGrant, DAYS_AFTER_RETURN, type NewGrant } from './grant';
import { type GrantMovement, GrantStore } from './grant-store.service';
import { ScopedGrants } from './scoped-grants.service';

export interface ArrivedGrants extends ArrivedCredit {
  /** In the order given, those for some models last; none for an entry that was there already. */
  readonly grantIds: readonly string[];
}

/** What is to be taken back of a customer's credit. */
export interface Taking {
  /** Of one account. They give first, in this order. */
  readonly grantIds: readonly string[];
  /** What the entry debits from the customer, in USD. */
  readonly amount: Money;
  /** Also from other credit, and from what the customer does not have: the entry says where that goes (`overflow`). */
  readonly force?: boolean;
  /** The hold of an earlier `FrozenCredit.freeze`, which this closes. */
  readonly frozenBy?: string | undefined;
  /** `taken` when left out. */
  readonly as?: Extract<GrantMovement, 'taken' | 'voided'>;
}

export type TakenCredit =
  | {
      readonly kind: 'taken';
      readonly entryId: string;
      /** What the named grants gave; the rest came from other credit or is owed. */
      readonly fromGrants: Money;
      readonly owed: Money;
    }
  | { readonly kind: 'replayed'; readonly entryId: string }
  /** Without `force`: the named grants cannot give more than `free` now. Nothing was written. */
  | { readonly kind: 'insufficient'; readonly free: Money };

/** What is left of a grant: in all, behind a dispute's hold, and what could be taken back at this moment. */
export interface RemainingCredit {
  readonly remaining: Money;
  readonly frozen: Money;
  readonly free: Money;
}

/**
 * Whatever brings USD credit, or takes it back other than by use, goes through here. A customer's credit is one balance
 * of the ledger; its grants say whose turn it is. Between two changes of the grants their order stands still, so only
 * the sum that was used counts, and each method begins by taking that sum off them. Every method works in the caller's
 * transaction and locks every account that it will touch first, in the ledger's order.
 */
@Injectable()
export class GrantsService {
  constructor(
    private readonly ledger: LedgerService,
    private readonly receivables: ReceivablesService,
    private readonly pools: CreditPools,
    private readonly store: GrantStore,
    private readonly watch: BalanceWatch,
    private readonly scoped: ScopedGrants,
  ) {}

  /**
   * Makes the accounts' rows, also those of `grants` that have one of their own. Before the transaction is opened: a row
   * is made on a connection of its own.
   */
  prepare(customerId: string, grants: readonly NewGrant[] = []): Promise<void> {
    return this.pools.prepare(customerId, scopedOf(customerId, grants).map(accountOf));
  }

  /**
   * Posts `entry`, which credits the customer exactly what `grants` say, repays from it what the customer owes, and
   * remembers the grants. A replayed entry changes nothing. `hold` is captured by the entry.
   * @throws LedgerRefusedError when the ledger refuses `entry`; InvalidRequestError `too_many_scoped_grants`
   */
  async arrive(
    tx: Tx,
    entry: JournalEntry,
    credit: { readonly customerId: string; readonly grants: readonly NewGrant[]; readonly hold?: LedgerHold },
  ): Promise<ArrivedGrants> {
    const { customerId, hold } = credit;
    const scoped = scopedOf(customerId, credit.grants);
    const grants = credit.grants.filter((grant) => !scoped.some(({ id }) => id === grant.id));
    await this.scoped.admit(tx, customerId, scoped.length);
    const pool = await this.pools.open(tx, customerId, [...touchedBy(entry), ...(hold ? [hold.account] : [])]);
    assertMoves(entry, 'to', pool, usd(grants.reduce((sum, { amount }) => sum + amount.atoms, 0n)));
    const arrived = await this.receivables.postCredit(tx, entry, customerId, 'USD', hold);
    if (arrived.replayed) return { ...arrived, grantIds: [] };
    const grantIds = await this.store.insert(tx, pool, grants, arrived.entryId);
    await this.pools.schedule(tx, pool.accountId);
    for (const grant of scoped) grantIds.push(...(await this.bringApart(tx, entry, grant, arrived.entryId)));
    if (scoped.length > 0) await this.scoped.announce(tx, customerId);
    await this.watch.arm(tx, customerId);
    return { ...arrived, grantIds };
  }

  /** A grant for some models, in its own account. */
  private async bringApart(tx: Tx, entry: JournalEntry, grant: ScopedGrant, entryId: string): Promise<string[]> {
    const own = await this.pools.openAt(tx, accountOf(grant));
    assertMoves(entry, 'to', own, grant.amount);
    const grantIds = await this.store.insert(tx, own, [grant], entryId);
    await this.pools.schedule(tx, own.accountId);
    return grantIds;
  }

  /**
   * Posts `entry`, which takes credit back: from the named grants first. With `force` what they lack comes from the
   * customer's other credit, and what that lacks is owed; without it the named grants bear all of it or none.
   * @throws NotFoundError `grant_not_found`; LedgerRefusedError
   */
  async take(tx: Tx, entry: JournalEntry, taking: Taking): Promise<TakenCredit> {
    const { grantIds, amount, force = false, frozenBy, as = 'taken' } = taking;
    const before = await this.pools.openAt(tx, await this.store.accountOf(tx, grantIds), touchedBy(entry));
    assertMoves(entry, 'from', before, amount);
    const frozen = frozenHold(before, frozenBy);
    const pool = frozen ? thawed(before, frozen) : before;
    const giving = named(pool, grantIds);
    const free = freeOf(pool, giving);
    if (!force && free < amount.atoms) return { kind: 'insufficient', free: usd(free) };
    const posted = await (frozen ? this.ledger.captureIn(tx, frozen, entry) : this.ledger.postIn(tx, entry));
    if (posted.verdict === 'replayed') return { kind: 'replayed', entryId: posted.entryId };
    if (posted.verdict !== 'posted') throw new LedgerRefusedError(entry.key, posted.verdict);
    if (frozen) await this.store.thaw(tx, frozen.id);
    const debited = (await this.debitsOf(tx, pool)) - pool.debits;
    const { shares } = allocate(giving, debited);
    await this.store.move(tx, as, shares, posted.entryId);
    // What other credit gave is used credit like any other: the next checkpoint finds out whose.
    await this.store.place(tx, pool.accountId, pool.debits + sumOf(shares), pool.uncovered);
    // What was frozen and is not taken may be used again, and ends when its grant does.
    await this.pools.schedule(tx, pool.accountId);
    const owed = usd(amount.atoms - debited);
    return { kind: 'taken', entryId: posted.entryId, fromGrants: usd(sumOf(shares)), owed };
  }

  /**
   * Posts `entry`, which gives back to the customer what `take` took from this grant, or by `force` from elsewhere; what
   * the customer owes is repaid from it. What comes back to a grant that has expired meanwhile may be used for another 30 days.
   * @throws NotFoundError `grant_not_found`; LedgerRefusedError
   */
  async giveBack(tx: Tx, entry: JournalEntry, back: { grantId: string; amount: Money }): Promise<ArrivedCredit> {
    const { grantId, amount } = back;
    const account = await this.store.accountOf(tx, [grantId]);
    const customerId = account.customerId as string;
    const isScoped = account.code !== customerCredits(customerId, 'USD').code;
    if (isScoped) await this.scoped.lock(tx, customerId);
    const pool = await this.pools.openAt(tx, account, touchedBy(entry));
    assertMoves(entry, 'to', pool, amount);
    const arrived = await this.receivables.postCredit(tx, entry, customerId, 'USD');
    if (arrived.replayed) return arrived;
    await this.returnTo(tx, pool, await this.store.one(tx, grantId), amount, arrived.entryId);
    await this.pools.schedule(tx, pool.accountId);
    if (isScoped) await this.scoped.announce(tx, customerId);
    await this.watch.arm(tx, customerId);
    return arrived;
  }

  /** What had not come from the grant itself, and would be more than it ever gave, is a grant of its own. */
  private async returnTo(tx: Tx, pool: CreditPool, grant: CreditGrant, amount: Money, entryId: string): Promise<void> {
    const room = grant.atoms - grant.remaining;
    const share = { grantId: grant.id, atoms: amount.atoms < room ? amount.atoms : room };
    await this.store.move(tx, 'returned', [share], entryId);
    await this.store.extend(tx, grant.id, DAYS_AFTER_RETURN);
    const uncovered = await this.store.cover(tx, pool, [share]);
    const { class: grantClass, priority } = grant;
    const rest = { class: grantClass, priority, origin: 'correction', originId: `returned:${entryId}` } as const;
    const more = { ...rest, amount: usd(amount.atoms - share.atoms) };
    await this.store.insert(tx, { ...pool, uncovered }, [more], entryId);
  }

  /** What is left of a grant; true until `tx` ends. @throws NotFoundError `grant_not_found` */
  async remaining(tx: Tx, grantId: string): Promise<RemainingCredit> {
    const pool = await this.pools.openAt(tx, await this.store.accountOf(tx, [grantId]));
    const [grant] = named(pool, [grantId]);
    if (!grant) return { remaining: usd(0n), frozen: usd(0n), free: usd(0n) };
    return { remaining: usd(grant.remaining), frozen: usd(grant.frozen), free: usd(freeOf(pool, [grant])) };
  }

  private async debitsOf(tx: Tx, { accountId, account }: CreditPool): Promise<bigint> {
    const sql = 'SELECT debits_posted FROM ledger_accounts WHERE id = $1';
    const [row] = await tx.query<{ debits_posted: bigint }>(sql, [accountId]);
    if (!row) throw new Error(`ledger account ${account.code} has no row`);
    return row.debits_posted;
  }
}

type ScopedGrant = NewGrant & { readonly id: string; readonly customerId: string; readonly models: readonly string[] };

/** @throws RangeError for one without an id: the entry cannot have named its account. */
function scopedOf(customerId: string, grants: readonly NewGrant[]): ScopedGrant[] {
  return grants.flatMap((grant) => {
    const { id, models = null } = grant;
    if (models === null) return [];
    if (id === undefined) throw new RangeError('a grant for some models needs an id');
    return [{ ...grant, id, customerId, models }];
  });
}

/** Who tells of other amounts than the entry would part the grants from the books. */
function assertMoves(entry: JournalEntry, side: 'from' | 'to', { account }: CreditPool, amount: Money): void {
  const moved = entry.postings
    .filter((posting) => posting[side].code === account.code && posting[side].asset === 'USD')
    .reduce((sum, posting) => sum + posting.amount.atoms, 0n);
  if (moved === amount.atoms) return;
  throw new RangeError(`${entry.key} moves ${moved} of ${account.code}, not ${amount.atoms}`);
}
