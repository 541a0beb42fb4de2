import { Injectable } from '@nestjs/common';
import type { AssetCode } from '../common/asset';
import { NotFoundError } from '../common/billing-error';
import { formatMoney, type Money, parseMoney } from '../common/money';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import type { LedgerAccount } from '../ledger/ledger-account';
import { LedgerAccountsService } from '../ledger/ledger-accounts.service';
import { LedgerRefusedError } from '../ledger/ledger-error';
import { LedgerService } from '../ledger/ledger.service';
import { discrepancyResolved } from '../ledger/reconciliation-entries';
import type { Discrepancy, Resolution } from './discrepancy';
import { DiscrepancyStore } from './discrepancy-store.service';
import { ResolutionAccountError, ResolutionDirectionError, ResolutionRefusedError } from './reconciliation-error';
import { isChainReceipts, RESOLUTION_ACCOUNTS } from './resolution-accounts';

/** What a person says about a discrepancy. */
export interface NewResolution {
  readonly by: string;
  readonly reason: string;
  /** Left out: it is waived, and stays a difference that is known. `amount`: what the person has seen, a plain decimal. */
  readonly entry?: { readonly from: string; readonly to: string; readonly amount: string } | undefined;
}

/** Lets a person settle what no run can explain: by an entry, or by saying why there will be none. */
@Injectable()
export class Resolutions {
  constructor(
    private readonly database: DatabaseService,
    private readonly store: DiscrepancyStore,
    private readonly ledger: LedgerService,
    private readonly accounts: LedgerAccountsService,
  ) {}

  /**
   * Moves the amount of a discrepancy between two accounts of the house, or waives it. Safe to repeat: the same
   * resolution again changes nothing.
   * @throws NotFoundError `discrepancy_not_found`; ResolutionAccountError; ResolutionDirectionError; ResolutionRefusedError
   */
  async resolve(id: string, given: NewResolution): Promise<Discrepancy> {
    const found = await this.store.find(this.database, id);
    if (!found) throw new NotFoundError({ what: 'discrepancy', id });
    const accounts = given.entry && (await this.accountsOf(found.amount.asset, given.entry));
    // Their rows are made before the transaction: on a connection of its own.
    if (accounts) await this.accounts.idsOf([accounts.from, accounts.to]);
    return this.database.transaction(async (tx) => {
      const discrepancy = (await this.store.lock(tx, id)) as Discrepancy;
      if (discrepancy.resolution && isTheSame(discrepancy, given)) return discrepancy;
      refuseWhatCannotBe(discrepancy, given);
      await this.refuseWhatStands(tx, discrepancy);
      const entry = accounts === undefined ? null : await this.post(tx, discrepancy, given, accounts);
      await this.store.resolve(tx, id, { by: given.by, reason: given.reason, entry });
      return (await this.store.find(tx, id)) as Discrepancy;
    });
  }

  /** Codes of the accounts that a discrepancy in this asset may be resolved with. */
  async allowed(asset: AssetCode): Promise<string[]> {
    const house = RESOLUTION_ACCOUNTS[asset].map(({ code }) => code);
    const rows = await this.database.query<{ code: string }>(
      'SELECT code FROM ledger_accounts WHERE code LIKE $1 AND asset = $2 ORDER BY code',
      [`chain:%:${asset}:0x%`, asset],
    );
    return [...house, ...rows.map(({ code }) => code).filter(isChainReceipts)];
  }

  /** Two entries for one thing would move it twice. @throws ResolutionRefusedError */
  private async refuseWhatStands(tx: Tx, { standingEntry: entry }: Discrepancy): Promise<void> {
    if (entry === null || (await this.store.isTakenBack(tx, entry))) return;
    throw new ResolutionRefusedError('discrepancy_entry_stands', { entryId: entry.toString() });
  }

  private async accountsOf(asset: AssetCode, { from, to }: { from: string; to: string }): Promise<Accounts> {
    const allowed = await this.allowed(asset);
    const refused = [from, to].find((code) => !allowed.includes(code));
    if (refused !== undefined) throw new ResolutionAccountError(refused, allowed);
    if (from === to)
      throw new ResolutionAccountError(
        to,
        allowed.filter((code) => code !== from),
      );
    const account = (code: string): LedgerAccount => ({ code, asset, customerId: null, guarded: false });
    return { from: account(from), to: account(to) };
  }

  private async post(tx: Tx, one: Discrepancy, given: NewResolution, accounts: Accounts): Promise<Resolution['entry']> {
    const { id, times, side, ref, amount } = one;
    const moved = sizeOf(amount);
    const { by, reason } = given;
    const entry = discrepancyResolved({ discrepancyId: id, times, side, ref, ...accounts, amount: moved, reason, by });
    const verdict = await this.ledger.postIn(tx, entry);
    if (verdict.verdict === 'posted') {
      return { id: BigInt(verdict.entryId), from: accounts.from.code, to: accounts.to.code };
    }
    throw new LedgerRefusedError(`The resolution of ${id}`, verdict.verdict);
  }
}

interface Accounts {
  readonly from: LedgerAccount;
  readonly to: LedgerAccount;
}

function isTheSame({ resolution }: Discrepancy, given: NewResolution): boolean {
  const { entry = null, by = '', reason = '' } = resolution ?? {};
  const isSameEntry = entry?.from === given.entry?.from && entry?.to === given.entry?.to;
  return isSameEntry && by === given.by && reason === given.reason;
}

/** Kinds whose money leaves suspense by a way of its own: whoever shows a proof of it later must not have it twice. */
const IN_SUSPENSE: ReadonlySet<string> = new Set(['unknown_inbound']);

/** @throws ResolutionRefusedError; ResolutionDirectionError */
function refuseWhatCannotBe({ kind, state, resolution, amount, account }: Discrepancy, given: NewResolution): void {
  if (resolution) {
    const { by, reason, entry } = resolution;
    throw new ResolutionRefusedError('discrepancy_already_resolved', { by, reason, entryId: entry?.id.toString() });
  }
  if (state !== 'open') throw new ResolutionRefusedError('discrepancy_not_open');
  if (given.entry === undefined) return;
  if (IN_SUSPENSE.has(kind)) throw new ResolutionRefusedError('discrepancy_in_suspense');
  if (amount.atoms === 0n) throw new ResolutionRefusedError('discrepancy_without_amount');
  if (account === null) throw new ResolutionRefusedError('discrepancy_takes_no_entry');
  const end = amount.atoms > 0n ? 'from' : 'to';
  if (given.entry[end] !== account) throw new ResolutionDirectionError(end, account);
  if (parseMoney(given.entry.amount, amount.asset).atoms !== sizeOf(amount).atoms) {
    throw new ResolutionRefusedError('discrepancy_amount_changed', { amount: formatMoney(amount) });
  }
}

/** Without its sign. */
const sizeOf = (amount: Money): Money => (amount.atoms < 0n ? { ...amount, atoms: -amount.atoms } : amount);
