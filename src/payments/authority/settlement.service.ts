import { Injectable } from '@nestjs/common';
import { formatMoney, type Money } from '../../common/money';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import type { CompanionRows } from '../../ledger/companion-rows';
import type { JournalEntry } from '../../ledger/journal-entry';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { LedgerService } from '../../ledger/ledger.service';
import { fromCents } from './cents';
import type { Commitment, SettleFault, Settlement } from './commitment';
import { CommitmentsService, holdOf } from './commitments.service';

/** How one commitment is to end. */
export interface SettleTerms {
  readonly jti: string;
  /** Who settles: the origin that the caller proved to be. */
  readonly audience: string;
  /** In USD, to the nano-USD. */
  readonly charge: Money;
  /** Identifies the terms: a repeat with the same gets the same result, one with others is a conflict. */
  readonly hash: string;
  /** What takes the charge from the bundle; left out, the whole hold is freed. */
  readonly entryFor?: (bundleId: string) => JournalEntry;
  readonly rows?: CompanionRows;
}

export type SettleOutcome =
  { readonly ok: true; readonly settlement: Settlement } | { readonly ok: false; readonly fault: SettleFault };

/** Ends commitments: each exactly once, together with the money's movement. */
@Injectable()
export class CommitmentSettlement {
  constructor(
    private readonly database: DatabaseService,
    private readonly commitments: CommitmentsService,
    private readonly ledger: LedgerService,
    private readonly accounts: LedgerAccountsService,
  ) {}

  /** Copies that arrive together wait for the first one and get its result. */
  async settle(terms: SettleTerms): Promise<SettleOutcome> {
    const found = await this.commitments.find(terms.jti);
    if (!found) return refused('attestation_invalid');
    if (found.audience !== terms.audience) return refused('unauthorized_server');
    if (terms.charge.atoms < 0n || terms.charge.atoms > fromCents(found.cents).atoms) {
      return refused('amount_exceeds_attested');
    }
    const entry = terms.entryFor?.(found.bundleId);
    await this.learnAccounts(found, entry);
    return this.database.transaction(async (tx) => {
      const commitment = (await this.commitments.lock(tx, terms.jti)) as Commitment;
      const earlier = outcomeOf(commitment, terms.hash);
      return earlier ?? this.close(tx, commitment, terms, entry);
    });
  }

  /** Takes an attestation back: it is neither served nor settled any more. `false` when it has ended otherwise. */
  revoke(jti: string): Promise<boolean> {
    return this.free(jti, 'revoked');
  }

  /** Returns what nobody settled in time. */
  expire(jti: string): Promise<boolean> {
    return this.free(jti, 'expired');
  }

  private async free(jti: string, to: 'revoked' | 'expired'): Promise<boolean> {
    const found = await this.commitments.find(jti);
    if (!found) return false;
    await this.learnAccounts(found, undefined);
    return this.database.transaction(async (tx) => {
      const commitment = (await this.commitments.lock(tx, jti)) as Commitment;
      if (!(await this.commitments.close(tx, jti, to))) return commitment.state === to;
      await this.ledger.releaseIn(tx, holdOf(commitment));
      return true;
    });
  }

  private async close(
    tx: Tx,
    commitment: Commitment,
    terms: SettleTerms,
    entry: JournalEntry | undefined,
  ): Promise<SettleOutcome> {
    const left =
      entry === undefined ? await this.release(tx, commitment) : await this.take(tx, commitment, entry, terms);
    if (left === undefined) return refused('hold_expired');
    const result: Settlement = {
      commitmentId: commitment.jti,
      bundleId: commitment.bundleId,
      chargedNanoUsd: terms.charge.atoms.toString(),
      balanceNanoUsd: left.atoms.toString(),
    };
    const to = entry === undefined ? 'released' : 'settled';
    await this.commitments.close(tx, commitment.jti, to, { hash: terms.hash, result });
    return { ok: true, settlement: result };
  }

  /** What the bundle can spend afterwards; `undefined` when the hold is gone. */
  private async take(
    tx: Tx,
    commitment: Commitment,
    entry: JournalEntry,
    { rows }: SettleTerms,
  ): Promise<Money | undefined> {
    const hold = holdOf(commitment);
    const verdict = await this.ledger.captureIn(tx, hold, entry, rows);
    if (verdict.verdict === 'posted' || verdict.verdict === 'replayed') return verdict.balance ?? fromCents(0n);
    if (verdict.verdict === 'hold_closed' && verdict.state === 'expired') return undefined;
    throw new LedgerRefusedError(`settlement of ${commitment.jti} at ${formatMoney(hold.amount)}`, verdict.verdict);
  }

  private async release(tx: Tx, commitment: Commitment): Promise<Money> {
    const hold = holdOf(commitment);
    await this.ledger.releaseIn(tx, hold);
    return (await this.accounts.balance(hold.account, tx)).available;
  }

  /** Before the transaction, which must not need a second connection while copies wait for its row. */
  private async learnAccounts(commitment: Commitment, entry: JournalEntry | undefined): Promise<void> {
    const named =
      entry?.postings.flatMap(({ from, to, overflow }) => [from, to, ...(overflow ? [overflow] : [])]) ?? [];
    await this.accounts.idsOf([holdOf(commitment).account, ...named]);
  }
}

/** What a commitment that has ended answers; `undefined` while it can be settled. */
function outcomeOf(commitment: Commitment, hash: string): SettleOutcome | undefined {
  switch (commitment.state) {
    case 'held':
      return commitment.holdExp <= new Date() ? refused('hold_expired') : undefined;
    case 'settled':
    case 'released':
      return commitment.settleHash === hash && commitment.result
        ? { ok: true, settlement: commitment.result }
        : refused('settle_conflict');
    case 'revoked':
      return refused('revoked');
    case 'expired':
      return refused('hold_expired');
  }
}

const refused = (fault: SettleFault): SettleOutcome => ({ ok: false, fault });
