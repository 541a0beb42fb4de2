import { Injectable } from '@nestjs/common';
import { instantOf } from '../common/id';
import type { Money } from '../common/money';
import type { Tx } from '../database/tx';
import type { CompanionRows } from './companion-rows';
import { inputHash, type JournalEntry } from './journal-entry';
import type { LedgerAccount } from './ledger-account';
import { LedgerAccountsService } from './ledger-accounts.service';
import type { HoldReference, LedgerOperation, Movement } from './ledger-operation';
import { LedgerWriter } from './ledger-writer.service';
import { type HoldVerdict, type PostVerdict, type RawVerdict, type ReleaseVerdict, VERDICTS } from './verdict';

/** A reservation on a guarded account. Its id is a UUIDv7: the instant in it is when it was opened. */
export interface LedgerHold {
  readonly id: string;
  readonly account: LedgerAccount;
  readonly amount: Money;
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

  /** Closes the hold and posts `entry` in one step. A repeat returns the first result. */
  async capture(hold: LedgerHold, entry: JournalEntry, rows?: CompanionRows): Promise<PostVerdict> {
    return toPostVerdict(
      await this.writer.submit(await this.operationOf(entry, hold.account, rows, hold)),
      hold.account,
    );
  }

  /** The same in the caller's transaction. */
  async captureIn(tx: Tx, hold: LedgerHold, entry: JournalEntry, rows?: CompanionRows): Promise<PostVerdict> {
    const operation = await this.operationOf(entry, hold.account, rows, hold);
    return toPostVerdict(await this.writer.write(tx, operation), hold.account);
  }

  /** Frees the hold. Safe to repeat: who comes late learns how it was closed. */
  async release(hold: LedgerHold, rows?: CompanionRows, op: 'release' | 'expire' = 'release'): Promise<ReleaseVerdict> {
    const operation = { op, hold: await this.referenceTo(hold), customerId: null, rows };
    return toReleaseVerdict(await this.writer.submit(operation));
  }

  /** The same in the caller's transaction. */
  async releaseIn(tx: Tx, hold: LedgerHold): Promise<ReleaseVerdict> {
    const operation = { op: 'release' as const, hold: await this.referenceTo(hold), customerId: null };
    return toReleaseVerdict(await this.writer.write(tx, operation));
  }

  /** Posts an entry on its own, together with whatever else arrives at the same moment. */
  async post(entry: JournalEntry, rows?: CompanionRows, report?: LedgerAccount): Promise<PostVerdict> {
    return toPostVerdict(await this.writer.submit(await this.operationOf(entry, report, rows)), report);
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
    };
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
      ...(hold === undefined ? {} : { hold: await this.referenceTo(hold) }),
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

function toHoldVerdict({ verdict, available, held }: RawVerdict, asset: Money['asset']): HoldVerdict {
  if (verdict === 'I') return { verdict: 'insufficient', available: money(asset, available), held: money(asset, held) };
  if (verdict === 'H' || verdict === 'A' || verdict === 'F' || verdict === 'K') return { verdict: VERDICTS[verdict] };
  throw new Error(`unexpected verdict on a hold: ${verdict}`);
}

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
