import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { ethOfWei } from '../../common/money';
import { DatabaseService } from '../../database/database.service';
import { JobsService } from '../../jobs/jobs.service';
import { gasSpent } from '../../ledger/chain-entries';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { LedgerService } from '../../ledger/ledger.service';
import type { ChainTransaction } from './chain-transaction';
import { confirmedReceipt, feeOf } from './confirmed-receipt';
import { valueOfGas } from './gas-value';
import { NetworksService } from './networks.service';

/** Puts what our transactions burnt on the books: the coin, and its value in USD at the configured rate. */
@Injectable()
export class GasBooks implements OnModuleInit {
  private readonly logger = new Logger('GasBooks');

  constructor(
    private readonly database: DatabaseService,
    private readonly jobs: JobsService,
    private readonly ledger: LedgerService,
    private readonly networks: NetworksService,
  ) {}

  onModuleInit(): void {
    if (this.networks.all().some(({ addresses }) => addresses.length > 0)) {
      this.jobs.register({ name: 'post-gas', everySeconds: 10, run: () => this.post() });
    }
  }

  /** Safe to repeat: an entry's key is its transaction. */
  async post(limit = 200): Promise<void> {
    const mined = await this.database.query<ChainTransaction>(
      `SELECT hash, network, signer FROM chain_transactions
        WHERE fee_wei IS NULL AND state IN ('mined', 'reverted') ORDER BY created_at LIMIT $1`,
      [limit],
    );
    await Promise.all(
      mined.map((transaction) =>
        this.postOne(transaction).catch((error: unknown) =>
          this.logger.warn(`the gas of ${transaction.hash} is not on the books yet: ${String(error).split('\n')[0]}`),
        ),
      ),
    );
  }

  private async postOne({ hash, network: id, signer }: ChainTransaction): Promise<void> {
    const network = this.networks.find(id);
    const receipt = network && (await confirmedReceipt(network, hash));
    if (!network || receipt === undefined || receipt === 'unconfirmed') return;
    const wei = feeOf(receipt);
    const value = valueOfGas(wei, network.config.gas);
    const entry = gasSpent({ transaction: hash, network: id, signer, coin: ethOfWei(wei), value });
    const { verdict } = await this.ledger.post(entry);
    if (verdict !== 'posted' && verdict !== 'replayed') throw new LedgerRefusedError(entry.key, verdict);
    await this.database.query('UPDATE chain_transactions SET fee_wei = $2 WHERE hash = $1', [hash, wei.toString()]);
  }
}
