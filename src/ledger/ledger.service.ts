import { Injectable } from '@nestjs/common';
import { instantOf } from '../common/id';
import type { Money } from '../common/money';
import type { Tx } from '../database/tx';
import type { CompanionRows } from './companion-rows';
import { inputHash, type JournalEntry } from './journal-entry';
import type { LedgerAccount } from './ledger-account';
import { LedgerAccountsService } from './ledger-accounts.service';
import type { HoldReference, LedgerOperation, Movement } from './ledger-operation';
import { LedgerWriter, verdictAt } from './ledger-writer.service';
import { type HoldVerdict, type PostVerdict, type RawVerdict, type ReleaseVerdict, VERDICTS } from './verdict';

/** A reservation on a guarded account. Its id is a UUIDv7: the instant in it is when it was opened. */
export interface LedgerHold {
  readonly id: string;
  readonly account: LedgerAccount;
  readonly amount: Money;
  /** Ids of the budget counters that it weighs on, ascending. Who closes it names the same, or it takes longer. */
  readonly counters?: readonly string[] | undefined;
}

/** The one door to the books. Every promise resolves after the durable commit. */
@Injectable()
export class LedgerService {
  constructor(
    private readonly writer: LedgerWriter,
    private readonly accounts: LedgerAccountsService,
  ) {}

  /** Reserves all of `hold.amount` or nothing, until `expiresAt`. */
  async hold(hold: LedgerHold, expiresAt: Date): Promise<HoldVerdict> {
    return toHoldVerdict(await this.writer.submit(await this.reservationOf(hold, expiresAt)), hold.amount.asset);
  }

  /** The same in the caller's transaction: it is held if and only if `tx` commits. */
  async holdIn(tx: Tx, hold: LedgerHold, expiresAt: Date): Promise<HoldVerdict> {
    return toHoldVerdict(await this.writer.write(tx, await this.reservationOf(hold, expiresAt)), hold.amount.asset);
  }

  /** The same for several, each decided alone. In their order. */
  async holdAllIn(tx: Tx, holds: readonly LedgerHold[], expiresAt: Date): Promise<HoldVerdict[]> {
    const reservations = await Promise.all(holds.map((hold) => this.reservationOf(hold, expiresAt)));
    const verdicts = await this.writer.writeAll(tx, reservations);
    return holds.map(({ amount }, index) => toHoldVerdict(verdictAt(verdicts, index), amount.asset));
  }

  /**
   * Closes the hold and posts `entry` in one step. A repeat returns the first result.
   * @param beside Further holds, which are freed right before, so that `entry` may take what they held; also when it is
   *   refused.
   */
  async capture(
    hold: LedgerHold,
    entry: JournalEntry,
    rows?: CompanionRows,
    beside: readonly LedgerHold[] = [],
  ): Promise<PostVerdict> {
    const capture = await this.operationOf(entry, hold.account, rows, hold);
    if (beside.length === 0) return toPostVerdict(await this.writer.submit(capture), hold.account);
    const freed = await Promise.all(beside.map((each) => this.releaseOf(each)));
    return toPostVerdict(await this.writer.submit(...freed, capture), hold.account);
  }

  /** The same in the caller's transaction. */
  async captureIn(tx: Tx, hold: LedgerHold, entry: JournalEntry, rows?: CompanionRows): Promise<PostVerdict> {
    const operation = await this.operationOf(entry, hold.account, rows, hold);
    return toPostVerdict(await this.writer.write(tx, operation), hold.account);
  }

  /** Frees the hold. Safe to repeat: who comes late learns how it was closed. */
  async release(hold: LedgerHold, rows?: CompanionRows, op: 'release' | 'expire' = 'release'): Promise<ReleaseVerdict> {
    const operation = { op, ...(await this.closingOf(hold)), rows };
    return toReleaseVerdict(await this.writer.submit(operation));
  }

  /** The same in the caller's transaction. */
  async releaseIn(tx: Tx, hold: LedgerHold): Promise<ReleaseVerdict> {
    return toReleaseVerdict(await this.writer.write(tx, await this.releaseOf(hold)));
  }

  /** Posts an entry on its own, together with whatever else arrives at the same moment. */
  async post(entry: JournalEntry, rows?: CompanionRows, report?: LedgerAccount): Promise<PostVerdict> {
    return toPostVerdict(await this.writer.submit(await this.operationOf(entry, report, rows)), report);
  }

  /** Posts what a capture would have, had its hold not expired: it weighs on the hold's budgets all the same. */
  async postExpired(hold: LedgerHold, entry: JournalEntry, rows?: CompanionRows): Promise<PostVerdict> {
    const weighing = { counters: hold.counters, spent: spentOf(entry, hold.account) };
    const operation = { ...(await this.operationOf(entry, hold.account, rows)), ...weighing };
    return toPostVerdict(await this.writer.submit(operation), hold.account);
  }

  /** Posts an entry in the caller's transaction: it is on the books if and only if `tx` commits. */
  async postIn(tx: Tx, entry: JournalEntry, report?: LedgerAccount): Promise<PostVerdict> {
    return toPostVerdict(await this.writer.write(tx, await this.operationOf(entry, report)), report);
  }

  private async reservationOf(hold: LedgerHold, expiresAt: Date): Promise<LedgerOperation> {
    const opens = { at: instantOf(hold.id).toISOString(), until: expiresAt.toISOString() };
    return {
      op: 'hold',
      hold: { ...(await this.referenceTo(hold)), opens },
      customerId: hold.account.customerId,
      counters: hold.counters,
    };
  }

  private async releaseOf(hold: LedgerHold): Promise<LedgerOperation> {
    return { op: 'release', ...(await this.closingOf(hold)) };
  }

  private async closingOf(hold: LedgerHold): Promise<Pick<LedgerOperation, 'hold' | 'customerId' | 'counters'>> {
    return { hold: await this.referenceTo(hold), customerId: null, counters: hold.counters };
  }

  private async referenceTo(hold: LedgerHold): Promise<HoldReference> {
    return { id: hold.id, account: await this.accounts.idOf(hold.account), atoms: hold.amount.atoms };
  }

  private async operationOf(
    entry: JournalEntry,
    report?: LedgerAccount,
    rows?: CompanionRows,
    hold?: LedgerHold,
  ): Promise<LedgerOperation> {
    const movements: Movement[] = [];
    for (const { from, to, overflow = from, amount } of entry.postings) {
      const [debit = '', credit = '', beyond = ''] = await this.accounts.idsOf([from, to, overflow]);
      movements.push({ debit, credit, overflow: beyond, asset: amount.asset, atoms: amount.atoms });
    }
    return {
      op: hold === undefined ? 'post' : 'capture',
      ...(hold === undefined ? {} : { ...(await this.closingOf(hold)), spent: spentOf(entry, hold.account) }),
      entry: {
        key: entry.key,
        hash: inputHash(entry),
        kind: entry.kind,
        effectiveAt: entry.effectiveAt?.toISOString(),
        memo: entry.memo,
        corrects: entry.corrects,
        movements,
      },
      customerId: entry.customerId,
      ...(report === undefined ? {} : { report: await this.accounts.idOf(report) }),
      rows,
    };
  }
}

function toHoldVerdict({ verdict, available, held, used }: RawVerdict, asset: Money['asset']): HoldVerdict {
  if (verdict === 'H') return { verdict: 'held', ...(used === '' ? {} : { used: used.split(',').map(BigInt) }) };
  if (verdict === 'I') return { verdict: 'insufficient', available: money(asset, available), held: money(asset, held) };
  if (verdict === 'A' || verdict === 'F' || verdict === 'K' || verdict === 'E' || verdict === 'B') {
    return { verdict: VERDICTS[verdict] };
  }
  throw new Error(`unexpected verdict on a hold: ${verdict}`);
}

/** What an entry takes from the customer's credit, wherever that is, with what it could not bear. */
const spentOf = ({ postings }: JournalEntry, { customerId, asset }: LedgerAccount): bigint =>
  postings
    .filter(({ from, amount }) => from.guarded && from.customerId === customerId && amount.asset === asset)
    .reduce((sum, { amount }) => sum + amount.atoms, 0n);

const toReleaseVerdict = ({ verdict }: RawVerdict): ReleaseVerdict =>
  verdict === 'R' ? { verdict: 'released' } : { verdict: 'hold_closed', state: stateOf(verdict) };

function toPostVerdict({ verdict, entry, available }: RawVerdict, report: LedgerAccount | undefined): PostVerdict {
  if (verdict === 'P' || verdict === 'A') {
    const balance = report === undefined ? undefined : money(report.asset, available);
    return { verdict: VERDICTS[verdict], entryId: entry, balance };
  }
  if (verdict === 'I') return { verdict: 'insufficient', available: money(report?.asset ?? 'USD', available) };
  if (verdict === 'K') return { verdict: 'key_conflict' };
  return { verdict: 'hold_closed', state: stateOf(verdict) };
}

const stateOf = (verdict: RawVerdict['verdict']): string | null => (verdict === 'n' ? null : VERDICTS[verdict]);

const money = (asset: Money['asset'], atoms: string): Money => ({ asset, atoms: BigInt(atoms) });
