import { Injectable } from '@nestjs/common';
import { newId } from '../../common/id';
import { type Money, plus } from '../../common/money';
import { Turns } from '../../common/turns';
import { type CreditVerdict, HeldCredit } from '../../credits/held-credit.service';
import { chargedTo } from '../../credits/legs';
import { ScopedGrants } from '../../credits/scoped-grants.service';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { callCaptured } from '../../ledger/entries';
import type { JournalEntry } from '../../ledger/journal-entry';
import { LedgerBusyError } from '../../ledger/ledger-error';
import { type LedgerHold, LedgerService } from '../../ledger/ledger.service';
import type { PostVerdict } from '../../ledger/verdict';
import type { HeldLeg } from '../claim';
import type { Hold } from '../payment-scheme';
import type { CreditCharge } from './credit-charge';
import { legHold, sizesOf } from './held-leg';

/** Calls of one customer that may wait for their turn. */
const MOST_WAITING = 200;
/** As long as operations wait for the ledger. */
const PATIENCE_MS = 10_000;

export type LeggedOutcome =
  | { readonly kind: 'held'; readonly verdict: CreditVerdict; readonly legs: readonly HeldLeg[] }
  | { readonly kind: 'refused'; readonly verdict: CreditVerdict };

/**
 * Calls that grants for their model pay for, in parts: the pool's under the call's own id, and one for each such grant.
 * All of them are held in one transaction, which is not grouped with others: few customers have such grants. They are
 * charged by one entry, in the flush of everybody's.
 */
@Injectable()
export class LeggedCredit {
  /** Calls of one customer would wait for each other in the database all the same, each with a connection. */
  private readonly turns = new Turns({
    most: MOST_WAITING,
    patienceMs: PATIENCE_MS,
    refusal: (waiting) => new LedgerBusyError(waiting),
  });

  constructor(
    private readonly database: DatabaseService,
    private readonly credit: HeldCredit,
    private readonly scoped: ScopedGrants,
    private readonly ledger: LedgerService,
  ) {}

  /**
   * Reserves all of `hold.amount` or nothing. Who comes first is decided here, once for the call.
   * @throws LedgerBusyError when too many calls of the customer wait already, or this one has waited too long.
   * @param grantIds Those that pay for its model.
   */
  async hold(
    hold: Hold,
    grantIds: readonly string[],
    counters: readonly string[],
    until: Date,
  ): Promise<LeggedOutcome> {
    const { callId, customerId, amount } = hold;
    const holdIds = new Map<string | null, string>([[null, callId], ...grantIds.map((id) => [id, newId()] as const)]);
    const attempt = async (tx: Tx): Promise<LeggedOutcome> => {
      const legs = (await this.scoped.legs(tx, customerId, grantIds, amount.atoms)).map(({ grantId, atoms }) => ({
        grantId,
        holdId: holdIds.get(grantId) ?? callId,
        atoms: atoms.toString(),
      }));
      const parts = poolFirst(legs).map((leg) => ({ ...legHold(customerId, leg), counters }));
      const verdict = await this.credit.holdPartsIn(tx, parts, until);
      if (verdict.verdict !== 'held') throw new LegRefusedError(inAll(verdict, legs, amount));
      return { kind: 'held', verdict, legs };
    };
    await this.scoped.prepare(customerId, grantIds);
    try {
      return await this.turns.take(customerId, () =>
        this.credit.afterExpiry(customerId, () => this.database.transaction(attempt)),
      );
    } catch (error) {
      if (error instanceof LegRefusedError) return { kind: 'refused', verdict: error.verdict };
      // It had no turn.
      if (error instanceof LedgerBusyError) throw error;
      // It may be there all the same, and would tie up the money until it expires.
      const legs = Array.from(holdIds, ([grantId, holdId]) => ({ grantId, holdId, atoms: '0' }));
      void this.release(customerId, legs).catch(() => undefined);
      throw error;
    }
  }

  /** Frees the parts that are not the pool's. Safe to repeat. */
  async release(customerId: string, legs: readonly HeldLeg[], counters?: readonly string[]): Promise<void> {
    await Promise.all(legs.map((leg) => this.ledger.release({ ...legHold(customerId, leg), counters })));
  }

  /**
   * Captures the call's hold by what each part bears of the charge, and frees the rest of all. When a part has expired
   * meanwhile and others have used it, the customer's credit bears the whole. A repeat returns the first result.
   */
  capture(charge: CreditCharge, legs: readonly HeldLeg[]): Promise<PostVerdict> {
    const { entries, pool, scoped } = partsOf(charge, legs);
    return firstOf(entries, (entry) => this.ledger.capture(pool, entry, charge.rows, scoped));
  }

  /** What `capture` would have posted, where the call's hold has expired. */
  postExpired(charge: CreditCharge, legs: readonly HeldLeg[]): Promise<PostVerdict> {
    const { entries, pool } = partsOf(charge, legs);
    return firstOf(entries, (entry) => this.ledger.postExpired(pool, entry, charge.rows));
  }
}

/** The entry by parts, and the one by the pool alone; which of them was posted first, is found again by its key. */
function partsOf({ callId, customerId, charge, counters }: CreditCharge, legs: readonly HeldLeg[]) {
  const shares = chargedTo(sizesOf(legs), charge.atoms);
  const holds = legs.map((leg) => ({ ...legHold(customerId, leg), counters }));
  const pool = holds.find(({ id }) => id === callId) as LedgerHold;
  return {
    entries: [callCaptured({ callId, customerId, charge, shares }), callCaptured({ callId, customerId, charge })],
    pool,
    scoped: holds.filter(({ id }) => id !== callId),
  };
}

async function firstOf(
  entries: readonly JournalEntry[],
  post: (entry: JournalEntry) => Promise<PostVerdict>,
): Promise<PostVerdict> {
  let verdict: PostVerdict = { verdict: 'key_conflict' };
  for (const entry of entries) {
    verdict = await post(entry);
    if (verdict.verdict !== 'insufficient' && verdict.verdict !== 'key_conflict') return verdict;
  }
  return verdict;
}

/** What the customer lacks is told of all that the call may use. */
function inAll(verdict: CreditVerdict, legs: readonly HeldLeg[], { asset }: Money): CreditVerdict {
  if (verdict.verdict !== 'insufficient') return verdict;
  const atoms = sizesOf(legs).reduce((sum, leg) => sum + (leg.grantId === null ? 0n : leg.atoms), 0n);
  return { ...verdict, available: plus(verdict.available, { asset, atoms }) };
}

/** Whether the customer owes something, and whether its credit has ended, the pool says. */
const poolFirst = (legs: readonly HeldLeg[]): HeldLeg[] =>
  legs.toSorted((a, b) => Number(a.grantId !== null) - Number(b.grantId !== null));

/** Never leaves this file: what was held until then goes with its transaction. */
class LegRefusedError extends Error {
  constructor(readonly verdict: CreditVerdict) {
    super('a part of the call cannot be held');
  }
}
