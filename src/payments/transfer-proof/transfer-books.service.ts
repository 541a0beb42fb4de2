import { Injectable } from '@nestjs/common';
import { usdc } from '../../common/money';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { transferSettled } from '../../ledger/chain-entries';
import { customerReceivable, suspense } from '../../ledger/ledger-account';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';
import { ReceivablesService } from '../../ledger/receivables.service';
import { SuspendedTransfers } from '../chain-watch/suspended-transfers.service';
import type { TransferStanding } from '../chain-watch/transfer-standing';
import type { Claim } from '../claim';
import { type ClaimRow, toClaim } from '../claim-row';
import { claimedAmong, claimLogs } from './claimed-transfers';
import type { ProofOfPayment } from './proof-of-payment';
import type { FoundTransfer } from './transfer-finder.service';
import { logOf, type TransferClaim, transferKey } from './transfer-hold';

export type NotCredited = 'attributed' | 'being_read' | 'alreadyUsed';

/** A transfer that is shown. */
export interface TransferCandidate {
  /** Of its claim, or of the claim that it would get. */
  readonly key: string;
  readonly transfer: FoundTransfer;
  readonly claim: Claim | undefined;
  readonly standing: TransferStanding['state'];
}

/** Puts a claimed transfer on the books: all of it is the wallet's credit. */
@Injectable()
export class TransferBooks {
  constructor(
    private readonly database: DatabaseService,
    private readonly accounts: LedgerAccountsService,
    private readonly receivables: ReceivablesService,
    private readonly suspended: SuspendedTransfers,
  ) {}

  /** A payer's transfers of one transaction, each with the claim that it has, and with what is known of its money. */
  async standings(
    { network, transaction, payer }: Pick<ProofOfPayment, 'network' | 'transaction' | 'payer'>,
    payTo: string,
    transfers: readonly FoundTransfer[],
  ): Promise<TransferCandidate[]> {
    const rows = await this.database.query<ClaimRow>(CLAIMS, [transaction, network, payer]);
    const claims = rows.map((row) => {
      const { value } = row.payment as TransferClaim;
      return { claim: toClaim(row), logIndex: logOf(row.key).logIndex, atoms: BigInt(value) };
    });
    const claimed = claimedAmong(transfers, claims);
    const logs = claimLogs(transfers, claimed);
    return Promise.all(
      transfers.map(async (transfer, nth) => {
        const claim = claimed[nth]?.claim;
        const key = claim?.key ?? transferKey(network, transaction, logs[nth] ?? transfer.logIndex);
        const { state } = await this.suspended.standingOf({ network, transaction, address: payTo, ...transfer });
        return { key, transfer, claim, standing: state };
      }),
    );
  }

  /**
   * Safe to repeat: the claim's key is the entry's. What the wallet owes is repaid first. A transfer that has waited in
   * suspense for its proof is taken out of there. Otherwise nothing was written. `attributed`: an operator has given it
   * away since it was claimed. `being_read`: whether that is so is not known until the chain is read again. `alreadyUsed`: as
   * many of its like as there are have been credited, so that it is one of them, claimed by another log before a
   * reorganisation that came in between.
   */
  async credit(claimKey: string, customerId: string, transfer: TransferClaim): Promise<'credited' | NotCredited> {
    const { network, payTo, transaction, value } = transfer;
    const amount = usdc(BigInt(value));
    const entry = transferSettled({ paymentId: claimKey, customerId, network, payTo, transaction, amount });
    // Looked up on a connection of their own: before the transaction, or a small pool stands still.
    const touched = [...entry.postings.flatMap(({ from, to }) => [from, to]), customerReceivable(customerId, 'USDC')];
    await this.accounts.idsOf([suspense('USDC'), ...touched]);
    await this.receivables.prepare(customerId, 'USDC');
    return this.database.transaction(async (tx) => {
      if (await this.isAnotherOnes(tx, claimKey, transfer)) return 'alreadyUsed';
      const log = { ...logOf(claimKey), address: payTo, atoms: amount.atoms };
      const recognised = await this.suspended.recognise(tx, log, touched);
      if (recognised === 'attributed' || recognised === 'being_read') return recognised;
      await this.receivables.postCredit(tx, entry, customerId, 'USDC');
      return 'credited';
    });
  }

  /** Who credits a transfer of the same transaction meanwhile waits. */
  private async isAnotherOnes(tx: Tx, claimKey: string, transfer: TransferClaim): Promise<boolean> {
    const { network, transaction, payer, value, alike } = transfer;
    if (alike === undefined) return false;
    await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`transfer:${network}:${transaction}`]);
    const rows = await tx.query(CREDITED, [transaction, network, payer, value, claimKey]);
    return rows.length >= alike;
  }
}

const OF_PAYER = `scheme = 'transfer-proof' AND payment->>'transaction' = $1 AND payment->>'network' = $2
     AND lower(payment->>'payer') = lower($3)`;

/** Under whichever log index the transaction had then. */
const CLAIMS = `
  SELECT * FROM claims
   WHERE ${OF_PAYER} AND reason IS DISTINCT FROM 'alreadyUsed' ORDER BY created_at, key`;

/** Others of the same value. */
const CREDITED = `
  SELECT FROM claims c JOIN journal_keys entry ON entry.key = 'transfer:' || c.key
   WHERE ${OF_PAYER} AND payment->>'value' = $4 AND c.key <> $5`;
