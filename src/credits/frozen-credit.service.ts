import { Injectable } from '@nestjs/common';
import { type Money, usd } from '../common/money';
import type { Tx } from '../database/tx';
import { LedgerRefusedError } from '../ledger/ledger-error';
import { LedgerService } from '../ledger/ledger.service';
import { allocate, sumOf } from './allocation';
import { freeOf, frozenHold, named } from './credit-pool';
import { CreditPools } from './credit-pools.service';
import { DAYS_AFTER_RETURN } from './grant';
import { GrantStore } from './grant-store.service';

/** Credit whose payment is disputed: it pays for nothing until that is decided. In the caller's transaction. */
@Injectable()
export class FrozenCredit {
  constructor(
    private readonly ledger: LedgerService,
    private readonly pools: CreditPools,
    private readonly store: GrantStore,
  ) {}

  /**
   * Puts what is left of these grants behind a hold of the ledger, as far as calls in flight leave it free, until
   * `thaw`, or until `GrantsService.take` closes the hold.
   * @param grantIds Of one account; they give in this order.
   * @param holdId A new `newId()`, which the caller keeps in this transaction.
   * @returns what is frozen; with nothing there is no hold.
   * @throws NotFoundError `grant_not_found`
   */
  async freeze(tx: Tx, grantIds: readonly string[], holdId: string): Promise<Money> {
    const pool = await this.pools.openAt(tx, await this.store.accountOf(tx, grantIds));
    const grants = named(pool, grantIds).filter(({ frozenBy }) => frozenBy === null);
    const { shares } = allocate(grants, freeOf(pool, grants));
    const amount = usd(sumOf(shares));
    if (amount.atoms <= 0n) return usd(0n);
    const held = await this.ledger.holdIn(tx, { id: holdId, account: pool.account, amount }, UNTIL_DECIDED);
    // Who owes has nothing that could be frozen: what comes in repays the debt.
    if (held.verdict === 'frozen') return usd(0n);
    if (held.verdict !== 'held') throw new LedgerRefusedError(`hold ${holdId}`, held.verdict);
    await this.store.freeze(tx, holdId, shares);
    return amount;
  }

  /**
   * Lets credit be used again that `freeze` put behind this hold; what ended meanwhile may be used for another 30 days.
   * Safe to repeat. Returns how much.
   */
  async thaw(tx: Tx, holdId: string): Promise<Money> {
    const account = await this.store.frozenAt(tx, holdId);
    if (account === undefined) return usd(0n);
    const pool = await this.pools.openAt(tx, account);
    const hold = frozenHold(pool, holdId);
    if (!hold) return usd(0n);
    await this.ledger.releaseIn(tx, hold);
    const thawed = await this.store.thaw(tx, holdId);
    for (const { grantId } of thawed) await this.store.extend(tx, grantId, DAYS_AFTER_RETURN);
    await this.pools.schedule(tx, pool.accountId);
    return hold.amount;
  }
}

/** A dispute is decided when it is: the hold behind it does not end by itself. */
const UNTIL_DECIDED = new Date('9999-12-31T00:00:00Z');
