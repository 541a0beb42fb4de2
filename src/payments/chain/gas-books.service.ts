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

type Sent = Pick<ChainTransaction, 'hash' | 'network' | 'signer'>;

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

  /** Safe to repeat: an entry's key is its transaction. What cannot be posted now keeps no other one from it. */
  async post(limit = 200): Promise<void> {
    const networks = this.networks.all().map(({ id }) => id);
    let after = '';
    for (let rows = limit; rows === limit;) {
      const mined = await this.database.query<Sent>(
        `SELECT hash, network, signer FROM chain_transactions
          WHERE fee_wei IS NULL AND state IN ('mined', 'reverted') AND network = ANY($1) AND hash > $2
          ORDER BY hash LIMIT $3`,
        [networks, after, limit],
      );
      await Promise.all(
        mined.map((transaction) =>
          this.postOne(transaction).catch((error: unknown) =>
            this.logger.warn(`the gas of ${transaction.hash} is not on the books yet: ${String(error).split('\n')[0]}`),
          ),
        ),
      );
      rows = mined.length;
      after = mined.at(-1)?.hash ?? after;
    }
  }

  /** What it burnt in the first block that it was in stays, should a reorganisation move it to another one. */
  private async postOne(sent: Sent): Promise<void> {
    const network = this.networks.of(sent.network);
    const receipt = await confirmedReceipt(network, sent.hash);
    // Without a receipt it was taken by a reorganisation, which is noticed elsewhere.
    if (receipt !== undefined && receipt !== 'unconfirmed') await this.postFee(network, receipt, sent);
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
