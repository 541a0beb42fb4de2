import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { newId } from '../../common/id';
import { usdc } from '../../common/money';
import { DatabaseService } from '../../database/database.service';
import { JobsService } from '../../jobs/jobs.service';
import { transferReversed } from '../../ledger/chain-entries';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { LedgerService } from '../../ledger/ledger.service';
import { NetworksService } from '../chain/networks.service';
import { ReversedTransfers } from './reversed-transfers.service';

/**
 * Takes off the books what a reorganisation took off the chain after it was booked. The wallet's credit bears it, and
 * what that cannot bear is owed, until the transfer is on the chain again.
 */
@Injectable()
export class ReversalNotices implements OnModuleInit {
  private readonly logger = new Logger('ReversalNotices');

  constructor(
    private readonly database: DatabaseService,
    private readonly jobs: JobsService,
    private readonly networks: NetworksService,
    private readonly ledger: LedgerService,
    private readonly transfers: ReversedTransfers,
  ) {}

  onModuleInit(): void {
    if (this.networks.all().length === 0) return;
    this.jobs.register({ name: 'reverse-transfers', everySeconds: 2, run: () => this.reverse() });
  }

  /** Safe to repeat: an entry is reversed once. */
  async reverse(limit = 50): Promise<void> {
    const lost = await this.database.query<Lost>(
      `SELECT hash, lost_at::text FROM chain_transactions WHERE lost_at IS NOT NULL ORDER BY lost_at LIMIT $1`,
      [limit],
    );
    for (const transaction of lost) {
      await this.reverseOne(transaction).catch((error: unknown) =>
        this.logger.error(`the transfers of ${transaction.hash} are still on the books: ${String(error)}`),
      );
    }
  }

  private async reverseOne({ hash, lost_at: lostAt }: Lost): Promise<void> {
    const calls = await this.database.query<Call>(CALLS, [hash]);
    for (const { reference, scheme, customer_id: customerId } of calls) {
      const booked = await this.transfers.bookedBy(reference, hash);
      if (!booked) continue;
      const { entryKey, network, payTo } = booked;
      const amount = usdc(booked.atoms);
      const entry = transferReversed({ entryKey, customerId, network, payTo, transaction: hash, amount });
      const { verdict } = await this.ledger.post(entry);
      if (verdict !== 'posted' && verdict !== 'replayed') throw new LedgerRefusedError(entry.key, verdict);
      await this.transfers.add({ ...booked, id: newId(), paymentId: reference, scheme, customerId, transaction: hash });
    }
    // Somebody may be booking one that is not finished: then it is looked at again.
    if (calls.some(({ open }) => open)) return;
    await this.database.query(
      'UPDATE chain_transactions SET lost_at = NULL WHERE hash = $1 AND lost_at = $2::timestamptz',
      [hash, lostAt],
    );
  }
}

const CALLS = `
  SELECT reference, claims.scheme, claims.customer_id, claims.state IN ('working', 'settling', 'in_doubt', 'promised') AS open
    FROM chain_calls JOIN claims ON claims.key = reference
   WHERE chain_calls.transaction = $1 AND claims.customer_id IS NOT NULL`;

interface Lost {
  hash: string;
  /** In PostgreSQL's own precision: a later loss is another one. */
  lost_at: string;
}

interface Call {
  reference: string;
  scheme: string;
  customer_id: string;
  open: boolean;
}
