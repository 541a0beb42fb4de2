import { Injectable } from '@nestjs/common';
import type { AssetCode } from '../common/asset';
import { BillingError } from '../common/billing-error';
import { newId } from '../common/id';
import { assertSameRequest, type RequestKey } from '../common/idempotency-key';
import { formatMoney, type Money } from '../common/money';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import { customerCredits, customerReceivable, writeOff } from './ledger-account';
import { LedgerAccountsService } from './ledger-accounts.service';
import { LedgerRefusedError } from './ledger-error';
import { LedgerService } from './ledger.service';
import { receivableWrittenOff, writeOffTakenBack } from './write-off-entries';

/** What customers pay in, and so can owe: nobody has credit in the coin that gas is paid in. */
export const RECEIVABLE_ASSETS = ['USD', 'USDC'] as const satisfies readonly AssetCode[];
export type ReceivableAsset = (typeof RECEIVABLE_ASSETS)[number];

export interface WriteOffRequest {
  readonly customerId: string;
  readonly asset: ReceivableAsset;
  /** Left out: all that is owed. */
  readonly amount?: Money | undefined;
  /** Goes into the entry's memo. */
  readonly reason: string;
}

export interface WrittenOff {
  readonly entryId: string;
  readonly writtenOff: Money;
  /** What is owed still. */
  readonly owed: Money;
}

/** Gives up what customers owe. Who owes nothing any more can spend again. */
@Injectable()
export class WriteOffs {
  constructor(
    private readonly database: DatabaseService,
    private readonly ledger: LedgerService,
    private readonly accounts: LedgerAccountsService,
  ) {}

  /** With a key, a repeat gets the first one. @throws WriteOffRefusedError, IdempotencyConflictError */
  async writeOff(request: WriteOffRequest, requestKey?: RequestKey): Promise<WrittenOff> {
    const { customerId, asset } = request;
    const credits = customerCredits(customerId, asset);
    const key = `write-off:${customerId}:${requestKey?.key ?? newId()}`;
    const before = requestKey && (await this.madeBy(this.database, key, requestKey));
    // Before accounts are made for somebody who owes nothing, or does not exist.
    if (!before && (await this.owedBy(request)) <= 0n) throw new WriteOffRefusedError(asset, 0n);
    const ids = await this.accounts.idsOf([credits, customerReceivable(customerId, asset), writeOff(asset)]);
    return this.database.transaction(async (tx) => {
      await tx.query('SELECT FROM ledger_accounts WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE', [ids]);
      const twin = requestKey && (await this.madeBy(tx, key, requestKey));
      const { entryId, atoms } = twin ?? (await this.post(tx, key, request, requestKey));
      const owed = await this.owedBy(request, tx);
      if (owed === 0n) await this.accounts.unfreeze(tx, credits);
      return { entryId, writtenOff: { asset, atoms }, owed: { asset, atoms: owed } };
    });
  }

  /**
   * What had become a debt comes back to the customer: as far as this very debt was given up it is owed again, so that
   * nobody is paid for what it has used. In the transaction that brings the credit, before it does, with `writeOff` and the
   * customer's accounts locked.
   */
  async takeBack(tx: Tx, back: ForgivenDebt): Promise<void> {
    const { customerId, asset, because, debit, still } = back;
    if (back.atoms <= 0n) return;
    const [house, debts] = await this.accounts.idsOf([writeOff(asset), customerReceivable(customerId, asset)]);
    const [row] = await tx.query<{ given_up: bigint }>(GIVEN_UP, [house, debts, debit, still, still + back.atoms]);
    const atoms = row?.given_up ?? 0n;
    if (atoms <= 0n) return;
    const entry = writeOffTakenBack({ customerId, amount: { asset, atoms }, because });
    const { verdict } = await this.ledger.postIn(tx, entry);
    if (verdict !== 'posted') throw new LedgerRefusedError(entry.key, verdict);
  }

  private async post(tx: Tx, key: string, request: WriteOffRequest, requestKey: RequestKey | undefined): Promise<Made> {
    const { customerId, asset, reason } = request;
    const owed = await this.owedBy(request, tx);
    const atoms = request.amount?.atoms ?? owed;
    if (atoms <= 0n || atoms > owed) throw new WriteOffRefusedError(asset, owed);
    const amount = { asset, atoms };
    const entry = receivableWrittenOff({ key, customerId, amount, reason, request: requestKey?.fingerprint });
    const posted = await this.ledger.postIn(tx, entry);
    if (posted.verdict !== 'posted') throw new LedgerRefusedError(key, posted.verdict);
    return { entryId: posted.entryId, atoms };
  }

  private async owedBy({ customerId, asset }: WriteOffRequest, tx: Tx = this.database): Promise<bigint> {
    return -(await this.accounts.balance(customerReceivable(customerId, asset), tx)).posted.atoms;
  }

  private async madeBy(tx: Tx, key: string, requestKey: RequestKey): Promise<Made | undefined> {
    const [row] = await tx.query<{ entry_id: bigint; atoms: bigint; request: string | null }>(
      `SELECT entry_id, atoms, memo->>'request' AS request FROM journal_keys JOIN postings USING (entry_id)
        WHERE journal_keys.key = $1 AND line = 1`,
      [key],
    );
    if (row) assertSameRequest(requestKey, row.request);
    return row && { entryId: String(row.entry_id), atoms: row.atoms };
  }
}

/** A debt that the customer has no more, or a part of it. */
export interface ForgivenDebt {
  readonly customerId: string;
  readonly asset: AssetCode;
  /** So much of it comes back now, the youngest part of it first; `still`: so much does not. */
  readonly atoms: bigint;
  readonly still: bigint;
  /** The key of the entry that made it. */
  readonly debit: string;
  readonly because: string;
}

/**
 * What was given up of the debt that the entry $3 made, from its atom $4 to $5. The oldest debt is the first to be settled:
 * what has come in for debts, one after the other, settles them in the order in which they were made.
 */
const GIVEN_UP = `
  WITH debt AS (
    SELECT coalesce(sum(atoms), 0) + $4::bigint AS since, coalesce(sum(atoms), 0) + $5::bigint AS until FROM postings
     WHERE debit_account_id = $2 AND entry_id < (SELECT entry_id FROM journal_keys WHERE key = $3)
  ), settled AS (
    SELECT debit_account_id, sum(atoms) OVER oldest_first - atoms AS since, sum(atoms) OVER oldest_first AS until
      FROM postings WHERE credit_account_id = $2 WINDOW oldest_first AS (ORDER BY entry_id, line)
  )
  SELECT coalesce(sum(greatest(0, least(s.until, d.until) - greatest(s.since, d.since))), 0)::bigint AS given_up
    FROM settled s, debt d WHERE s.debit_account_id = $1`;

interface Made {
  readonly entryId: string;
  readonly atoms: bigint;
}

/** More than is owed, or nothing. */
export class WriteOffRefusedError extends BillingError {
  constructor(asset: AssetCode, owed: bigint) {
    const left = formatMoney({ asset, atoms: owed > 0n ? owed : 0n });
    super({
      code: owed > 0n ? 'write_off_exceeds_owed' : 'nothing_owed',
      status: 409,
      title: 'Nothing was written off',
      detail: `The customer owes ${left} ${asset}.`,
      hint: 'Name an amount above zero and at most as much, or leave it out.',
      members: { owed: left, currency: asset },
    });
  }
}
