import { Injectable } from '@nestjs/common';
import { instantOf } from '../common/id';
import type { Money } from '../common/money';
import type { Tx } from '../database/tx';
import type { CompanionRows } from './companion-rows';
import { inputHash, type JournalEntry } from './journal-entry';
import type { LedgerAccount } from './ledger-account';
import { LedgerAccountsService } from './ledger-accounts.service';
import type { LedgerOperation } from './ledger-operation';
import { LedgerWriter } from './ledger-writer.service';
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
    const fields = {
      ...referenceTo(hold),
      expiresAt: expiresAt.toISOString(),
      customer: hold.account.customerId,
      held: hold.amount.atoms.toString(),
    };
    const operation: LedgerOperation = { op: 'hold', fields, accounts: { account }, names: [hold.id] };
    return toHoldVerdict(await this.writer.submit(operation), hold.amount.asset);
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
    const fields = { ...referenceTo(hold), state, rows };
    const operation: LedgerOperation = { op: 'release', fields, accounts: { account }, names: [hold.id] };
    return toReleaseVerdict(await this.writer.submit(operation));
  }

  /** Posts an entry on its own, together with whatever else arrives at the same moment. */
  async post(entry: JournalEntry, rows?: CompanionRows, report?: LedgerAccount): Promise<PostVerdict> {
    return toPostVerdict(await this.writer.submit(await this.postOperation(entry, rows, report)), report);
  }

  /** Posts an entry in the caller's transaction: it is on the books if and only if `tx` commits. */
  async postIn(tx: Tx, entry: JournalEntry, report?: LedgerAccount): Promise<PostVerdict> {
    return toPostVerdict(await this.writer.write(tx, await this.postOperation(entry, undefined, report)), report);
  }

  private async captureOperation(
    hold: LedgerHold,
    entry: JournalEntry,
    rows?: CompanionRows,
  ): Promise<LedgerOperation> {
    const post = await this.postOperation(entry, rows, hold.account);
    return {
      op: 'capture',
      fields: { ...post.fields, ...referenceTo(hold), state: 'captured' },
      accounts: { ...post.accounts, account: await this.accounts.idOf(hold.account) },
      names: [...post.names, hold.id],
    };
  }

  private async postOperation(
    entry: JournalEntry,
    rows?: CompanionRows,
    report?: LedgerAccount,
  ): Promise<LedgerOperation> {
    const idsOf = (accounts: readonly LedgerAccount[]) =>
      Promise.all(accounts.map((account) => this.accounts.idOf(account)));
    const { postings } = entry;
    const fields = {
      key: entry.key,
      hash: inputHash(entry),
      kind: entry.kind,
      customer: entry.customerId,
      memo: entry.memo,
      effectiveAt: entry.effectiveAt?.toISOString(),
      corrects: entry.corrects?.toString(),
      assets: postings.map(({ amount }) => amount.asset),
      atoms: postings.map(({ amount }) => amount.atoms.toString()),
      rows,
    };
    const accounts = {
      debits: await idsOf(postings.map(({ from }) => from)),
      credits: await idsOf(postings.map(({ to }) => to)),
      overflows: await idsOf(postings.map(({ from, overflow }) => overflow ?? from)),
      ...(report === undefined ? {} : { report: await this.accounts.idOf(report) }),
    };
    return { op: 'post', fields, accounts, names: [entry.key] };
  }
}

const referenceTo = (hold: LedgerHold) => ({ id: hold.id, openedAt: instantOf(hold.id).toISOString() });

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
