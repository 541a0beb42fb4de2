import { Injectable } from '@nestjs/common';
import { type Money, usd } from '../common/money';
import type { Tx } from '../database/tx';
import { LedgerRefusedError } from '../ledger/ledger-error';
import { type LedgerHold, LedgerService } from '../ledger/ledger.service';
import { allocate, type Share, sumOf } from './allocation';
import { type CreditPool, freeOf, frozenHold, named, thawed } from './credit-pool';
import { CreditPools } from './credit-pools.service';
import { DAYS_AFTER_RETURN } from './grant';
import { GrantStore } from './grant-store.service';

export interface Freezing {
  readonly before?: string | undefined;
  readonly most?: bigint | undefined;
}

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
   * @param how `before`: the hold of an earlier `freeze` of them, which this one takes the place of: what stays frozen is
   *   never let go in between, so its end stays where it is. `most`: in nano-USD; left out for all that is left.
   * @returns what is frozen now; with nothing there is no hold.
   * @throws NotFoundError `grant_not_found`
   */
  async freeze(tx: Tx, grantIds: readonly string[], holdId: string, how: Freezing = {}): Promise<Money> {
    const { before, most } = how;
    const opened = await this.pools.openAt(tx, await this.store.accountOf(tx, grantIds));
    const earlier = frozenHold(opened, before);
    const pool = earlier ? thawed(opened, earlier) : opened;
    const grants = named(pool, grantIds).filter(({ frozenBy }) => frozenBy === null);
    const free = freeOf(pool, grants);
    const { shares } = allocate(grants, most !== undefined && most < free ? most : free);
    const released = earlier ? await this.release(tx, earlier) : [];
    const frozen = await this.hold(tx, pool, holdId, shares);
    const again = new Set(frozen.map(({ grantId }) => grantId));
    const letGo = released.filter(({ grantId }) => !again.has(grantId));
    if (earlier) await this.letBeUsed(tx, pool.accountId, letGo);
    return usd(sumOf(frozen));
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
    await this.letBeUsed(tx, pool.accountId, await this.release(tx, hold));
    return hold.amount;
  }

  /** Returns whose shares are frozen: all or none of them. */
  private async hold(tx: Tx, { account }: CreditPool, id: string, shares: readonly Share[]): Promise<readonly Share[]> {
    const amount = usd(sumOf(shares));
    if (amount.atoms <= 0n) return [];
    const held = await this.ledger.holdIn(tx, { id, account, amount }, UNTIL_DECIDED);
    // Who owes has nothing that could be frozen: what comes in repays the debt.
    if (held.verdict === 'frozen') return [];
    if (held.verdict !== 'held') throw new LedgerRefusedError(`hold ${id}`, held.verdict);
    await this.store.freeze(tx, id, shares);
    return shares;
  }

  private async release(tx: Tx, hold: LedgerHold): Promise<readonly Share[]> {
    await this.ledger.releaseIn(tx, hold);
    return this.store.thaw(tx, hold.id);
  }

  /** Also what ended while it was frozen. */
  private async letBeUsed(tx: Tx, accountId: string, letGo: readonly Share[]): Promise<void> {
    for (const { grantId } of letGo) await this.store.extend(tx, grantId, DAYS_AFTER_RETURN);
    await this.pools.schedule(tx, accountId);
  }
}

/** A dispute is decided when it is: the hold behind it does not end by itself. */
const UNTIL_DECIDED = new Date('9999-12-31T00:00:00Z');
