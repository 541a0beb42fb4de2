import { Injectable, Logger } from '@nestjs/common';
import { usdc } from '../../common/money';
import { DatabaseService } from '../../database/database.service';
import { transferSettledAgain } from '../../ledger/chain-entries';
import { ReceivablesService } from '../../ledger/receivables.service';
import type { Claim } from '../claim';
import { ClaimsService } from '../claims.service';

/** A transfer that was on the books and is not on the chain any more. `atoms` in micro-USDC. */
export interface ReversedTransfer extends BookedTransfer {
  /** A UUIDv7. */
  readonly id: string;
  /** The key of its claim. */
  readonly paymentId: string;
  readonly scheme: string;
  readonly customerId: string;
  /** The one that was lost. */
  readonly transaction: string;
}

/** The entry that has a transfer on the books. */
export interface BookedTransfer {
  readonly entryKey: string;
  readonly network: string;
  readonly payTo: string;
  readonly atoms: bigint;
}

/** What a scheme finds out about a payment whose transfer was lost, having sent it again. */
export type NewOutcome =
  | { readonly kind: 'settled'; readonly transaction: string }
  | { readonly kind: 'failed' }
  | { readonly kind: 'in_doubt' };

const AT_ONCE = 20;

/** Transfers that a reorganisation took, until they are on the chain again or can never be. */
@Injectable()
export class ReversedTransfers {
  private readonly logger = new Logger('ReversedTransfers');

  constructor(
    private readonly database: DatabaseService,
    private readonly claims: ClaimsService,
    private readonly receivables: ReceivablesService,
  ) {}

  /** The entry by which this transaction's transfer for a payment is on the books, unless it was reversed. */
  async bookedBy(paymentId: string, transaction: string): Promise<BookedTransfer | undefined> {
    const [booked] = await this.database.query<Booked>(BOOKED, [paymentId, transaction]);
    return booked && { entryKey: booked.key, network: booked.network, payTo: booked.pay_to, atoms: booked.atoms };
  }

  async add(transfer: ReversedTransfer): Promise<void> {
    const { id, paymentId, scheme, entryKey, transaction, customerId, network, payTo, atoms } = transfer;
    await this.database.query(
      `INSERT INTO reversed_transfers (id, payment_id, scheme, entry_key, transaction, customer_id, network, pay_to, atoms, state)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'reversed') ON CONFLICT DO NOTHING`,
      [id, paymentId, scheme, entryKey, transaction, customerId, network, payTo, atoms],
    );
  }

  /** Has the payments of a scheme sent again, each ever more seldom, and books what comes of it. */
  async retry(scheme: string, sendAgain: (claim: Claim) => Promise<NewOutcome>): Promise<void> {
    const rows = await this.database.query<Row>(
      `UPDATE reversed_transfers
          SET next_try_at = now() + greatest(interval '2 s', least((now() - created_at) / 8, interval '10 min'))
        WHERE id IN (SELECT id FROM reversed_transfers WHERE scheme = $1 AND state = 'reversed' AND next_try_at < now()
                      ORDER BY next_try_at LIMIT ${AT_ONCE} FOR UPDATE SKIP LOCKED)
        RETURNING *`,
      [scheme],
    );
    await Promise.all(rows.map((row) => this.retryOne(toTransfer(row), sendAgain)));
  }

  private async retryOne(transfer: ReversedTransfer, sendAgain: (claim: Claim) => Promise<NewOutcome>): Promise<void> {
    try {
      const claim = await this.claims.find(transfer.paymentId);
      const outcome = claim ? await sendAgain(claim) : ({ kind: 'failed' } as const);
      if (outcome.kind === 'settled') await this.settle(transfer, outcome.transaction);
      if (outcome.kind === 'failed') await this.finish(transfer, 'lost');
    } catch (error) {
      this.logger.error(`${transfer.paymentId} stays reversed: ${String(error)}`);
    }
  }

  /** Its credit repays what was owed for it. */
  private async settle(transfer: ReversedTransfer, transaction: string): Promise<void> {
    const { entryKey, customerId, network, payTo, atoms } = transfer;
    const entry = transferSettledAgain({ entryKey, customerId, network, payTo, transaction, amount: usdc(atoms) });
    await this.receivables.prepare(customerId, 'USDC');
    await this.database.transaction((tx) => this.receivables.postCredit(tx, entry, customerId, 'USDC'));
    await this.finish(transfer, 'settled');
  }

  private async finish({ id }: ReversedTransfer, state: 'settled' | 'lost'): Promise<void> {
    await this.database.query('UPDATE reversed_transfers SET state = $2 WHERE id = $1', [id, state]);
  }
}

/** First as it was settled, then as it was settled again after each reversal: the one that names this transaction. */
const BOOKED = `
  WITH names AS (
    SELECT 'transfer:' || $1 AS key
    UNION ALL SELECT 'again:' || entry_key FROM reversed_transfers WHERE payment_id = $1
  )
  SELECT names.key, sum(posting.atoms)::bigint AS atoms, split_part(debit.code, ':USDC:', 2) AS pay_to,
         substr(split_part(debit.code, ':USDC:', 1), length('chain:') + 1) AS network
    FROM names JOIN journal_keys USING (key) JOIN postings posting USING (entry_id)
    JOIN ledger_accounts debit ON debit.id = posting.debit_account_id
   WHERE posting.memo->>'transaction' = $2 AND debit.code LIKE 'chain:%:USDC:%'
     AND names.key NOT IN (SELECT entry_key FROM reversed_transfers WHERE payment_id = $1)
   GROUP BY names.key, debit.code`;

interface Booked {
  key: string;
  atoms: bigint;
  pay_to: string;
  network: string;
}

interface Row {
  id: string;
  payment_id: string;
  scheme: string;
  entry_key: string;
  transaction: string;
  customer_id: string;
  network: string;
  pay_to: string;
  atoms: bigint;
}

const toTransfer = (row: Row): ReversedTransfer => ({
  id: row.id,
  paymentId: row.payment_id,
  scheme: row.scheme,
  entryKey: row.entry_key,
  transaction: row.transaction,
  customerId: row.customer_id,
  network: row.network,
  payTo: row.pay_to,
  atoms: row.atoms,
});
