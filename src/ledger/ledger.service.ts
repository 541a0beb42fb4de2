import { Injectable } from '@nestjs/common';
import { instantOf } from '../common/id';
import type { Money } from '../common/money';
import type { Tx } from '../database/tx';
import type { CompanionRows } from './companion-rows';
import { inputHash, type JournalEntry } from './journal-entry';
import type { LedgerAccount } from './ledger-account';
import { LedgerAccountsService } from './ledger-accounts.service';
import { type LedgerOperation, LedgerWriter } from './ledger-writer.service';
import type { HoldVerdict, PostVerdict, RawVerdict, ReleaseVerdict } from './verdict';

/** A reservation on a guarded account. Its id is a UUIDv7: the instant in it names the row's partition. */
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
    const account = await this.accounts.idOf(hold.account);
    const op = {
      ...referenceTo(hold, 'hold'),
      account,
      customer: hold.account.customerId,
      atoms: hold.amount.atoms.toString(),
      expiresAt: expiresAt.toISOString(),
    };
    return toHoldVerdict(await this.writer.submit({ op, accountIds: [account] }), hold.amount.asset);
  }

  /** Closes the hold and posts `entry` in one step. A repeat returns the first result. */
  async capture(hold: LedgerHold, entry: JournalEntry, rows?: CompanionRows): Promise<PostVerdict> {
    return toPostVerdict(await this.writer.submit(await this.captureOperation(hold, entry, rows)), hold.account);
  }

  /** The same in the caller's transaction. */
  async captureIn(tx: Tx, hold: LedgerHold, entry: JournalEntry): Promise<PostVerdict> {
    return toPostVerdict(await this.writer.write(tx, await this.captureOperation(hold, entry)), hold.account);
  }

  /** Frees the hold. Safe to repeat: who comes late learns how it was closed. */
  async release(
    hold: LedgerHold,
    rows?: CompanionRows,
    state: 'released' | 'expired' = 'released',
  ): Promise<ReleaseVerdict> {
    const account = await this.accounts.idOf(hold.account);
    const op = { ...referenceTo(hold, 'release'), state, ...(rows === undefined ? {} : { rows }) };
    return toReleaseVerdict(await this.writer.submit({ op, accountIds: [account] }));
  }

  /** Posts an entry on its own, together with whatever else arrives at the same moment. */
  async post(entry: JournalEntry, rows?: CompanionRows, report?: LedgerAccount): Promise<PostVerdict> {
    return toPostVerdict(await this.writer.submit(await this.entryOperation(entry, rows, report)), report);
  }

  /** Posts an entry in the caller's transaction: it is on the books if and only if `tx` commits. */
  async postIn(tx: Tx, entry: JournalEntry, report?: LedgerAccount): Promise<PostVerdict> {
    return toPostVerdict(await this.writer.write(tx, await this.entryOperation(entry, undefined, report)), report);
  }

  private async captureOperation(
    hold: LedgerHold,
    entry: JournalEntry,
    rows?: CompanionRows,
  ): Promise<LedgerOperation> {
    const posting = await this.entryOperation(entry, rows, hold.account);
    return { ...posting, op: { ...posting.op, ...referenceTo(hold, 'capture') } };
  }

  private async entryOperation(
    entry: JournalEntry,
    rows?: CompanionRows,
    report?: LedgerAccount,
  ): Promise<LedgerOperation> {
    const ids = new Set<string>();
    const idOf = async (account: LedgerAccount): Promise<string> => {
      const id = await this.accounts.idOf(account);
      ids.add(id);
      return id;
    };
    const postings = [];
    for (const posting of entry.postings) {
      postings.push({
        from: await idOf(posting.from),
        to: await idOf(posting.to),
        asset: posting.amount.asset,
        atoms: posting.amount.atoms.toString(),
        ...(posting.overflow === undefined ? {} : { overflow: await idOf(posting.overflow) }),
      });
    }
    const op = {
      op: 'post',
      entry: {
        key: entry.key,
        hash: inputHash(entry),
        kind: entry.kind,
        customer: entry.customerId,
        memo: entry.memo ?? null,
        effectiveAt: entry.effectiveAt?.toISOString() ?? null,
        corrects: entry.corrects?.toString() ?? null,
        guarded: entry.postings.some((posting) => posting.from.guarded && posting.overflow === undefined),
        postings,
      },
      ...(report === undefined ? {} : { report: await idOf(report) }),
      ...(rows === undefined ? {} : { rows }),
    };
    return { op, accountIds: [...ids] };
  }
}

const referenceTo = (hold: LedgerHold, op: string) => ({ op, id: hold.id, openedAt: instantOf(hold.id).toISOString() });

function toHoldVerdict(raw: RawVerdict, asset: Money['asset']): HoldVerdict {
  switch (raw.verdict) {
    case 'held':
    case 'replayed':
    case 'frozen':
    case 'key_conflict':
      return { verdict: raw.verdict };
    case 'insufficient':
      return { verdict: 'insufficient', available: money(asset, raw.available), held: money(asset, raw.held) };
    default:
      throw new Error(`unexpected ledger verdict ${raw.verdict}`);
  }
}

function toPostVerdict(raw: RawVerdict, report: LedgerAccount | undefined): PostVerdict {
  switch (raw.verdict) {
    case 'posted':
    case 'replayed':
      return {
        verdict: raw.verdict,
        entryId: raw.entry ?? '',
        balance: report === undefined ? undefined : money(report.asset, raw.balance),
      };
    case 'hold_closed':
      return { verdict: 'hold_closed', state: raw.state ?? null };
    case 'insufficient':
      return { verdict: 'insufficient', available: money(report?.asset ?? 'USD', raw.available) };
    case 'key_conflict':
      return { verdict: 'key_conflict' };
    default:
      throw new Error(`unexpected ledger verdict ${raw.verdict}`);
  }
}

function toReleaseVerdict(raw: RawVerdict): ReleaseVerdict {
  return raw.verdict === 'released' ? { verdict: 'released' } : { verdict: 'hold_closed', state: raw.state ?? null };
}

const money = (asset: Money['asset'], atoms: string | undefined): Money => ({ asset, atoms: BigInt(atoms ?? 0) });
