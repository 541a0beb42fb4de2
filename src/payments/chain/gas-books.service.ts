import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { ethOfWei } from '../../common/money';
import type { TransactionReceipt } from 'viem';
import { DatabaseService } from '../../database/database.service';
import { JobsService } from '../../jobs/jobs.service';
import { gasSpent } from '../../ledger/chain-entries';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { LedgerService } from '../../ledger/ledger.service';
import type { ChainTransaction } from './chain-transaction';
import { confirmedReceipt, feeOf } from './confirmed-receipt';
import { valueOfGas } from './gas-value';
import { type ChainNetwork, NetworksService } from './networks.service';
import { TransactionFollower } from './transaction-follower.service';

type Sent = Pick<ChainTransaction, 'hash' | 'network' | 'signer'>;
type Mined = Sent & { readonly fee_wei: string | null };

/** Puts what our transactions burnt on the books: the coin, and its value in USD at the configured rate. */
@Injectable()
export class GasBooks implements OnModuleInit {
  private readonly logger = new Logger('GasBooks');

  constructor(
    private readonly database: DatabaseService,
    private readonly jobs: JobsService,
    private readonly ledger: LedgerService,
    private readonly networks: NetworksService,
    private readonly follower: TransactionFollower,
  ) {}

  onModuleInit(): void {
    if (this.networks.all().some(({ addresses }) => addresses.length > 0)) {
      this.jobs.register({ name: 'post-gas', everySeconds: 10, run: () => this.post() });
    }
  }

  /** Safe to repeat: an entry's key is its transaction. */
  async post(limit = 200): Promise<void> {
    const mined = await this.database.query<Mined>(
      `SELECT hash, network, signer, fee_wei FROM chain_transactions
        WHERE block_number IS NULL AND state IN ('mined', 'reverted') ORDER BY created_at LIMIT $1`,
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

  /** What it burnt in the first block that it was in stays, should a reorganisation move it to another one. */
  private async postOne({ hash, network: id, signer, fee_wei: posted }: Mined): Promise<void> {
    const network = this.networks.find(id);
    const receipt = network && (await confirmedReceipt(network, hash));
    if (!network || receipt === undefined || receipt === 'unconfirmed') return;
    if (posted === null) await this.postFee(network, receipt, { hash, network: id, signer });
    await this.follower.inBlock(receipt);
  }

  private async postFee(network: ChainNetwork, receipt: TransactionReceipt, { hash, network: id, signer }: Sent) {
    const wei = feeOf(receipt);
    const value = valueOfGas(wei, network.config.gas);
    const entry = gasSpent({ transaction: hash, network: id, signer, coin: ethOfWei(wei), value });
    const { verdict } = await this.ledger.post(entry);
    if (verdict !== 'posted' && verdict !== 'replayed') throw new LedgerRefusedError(entry.key, verdict);
    await this.database.query('UPDATE chain_transactions SET fee_wei = $2, fee_value = $3 WHERE hash = $1', [
      hash,
      wei.toString(),
      value.atoms.toString(),
    ]);
  }
}
