import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { Hex, TransactionReceipt } from 'viem';
import { DatabaseService } from '../../database/database.service';
import { JobsService } from '../../jobs/jobs.service';
import type { ChainTransaction, ChainTransactionState } from './chain-transaction';
import { confirmedReceipt } from './confirmed-receipt';
import { type ChainNetwork, NetworksService } from './networks.service';
import { TransactionReplacer } from './transaction-replacer.service';
import { TransactionSender } from './transaction-sender.service';

const COLUMNS = 'hash, network, signer, nonce, raw, state';
/** A transaction is not wanted any more so long after its last call lapsed: by then the chain's clock has passed it. */
const LAPSED_SECONDS = 10;

type OpenTransaction = ChainTransaction & { readonly age: number; readonly lapsed: boolean };

/** Finds out what became of every transaction of ours, and sends again what the chain does not know. */
@Injectable()
export class TransactionFollower implements OnModuleInit {
  private readonly logger = new Logger('TransactionFollower');

  constructor(
    private readonly database: DatabaseService,
    private readonly jobs: JobsService,
    private readonly networks: NetworksService,
    private readonly sender: TransactionSender,
    private readonly replacer: TransactionReplacer,
  ) {}

  onModuleInit(): void {
    if (this.networks.all().some(({ addresses }) => addresses.length > 0)) {
      this.jobs.register({ name: 'follow-transactions', everySeconds: 2, run: () => this.follow() });
    }
  }

  /**
   * Every transaction whose fate is open is looked up, and sent again where the chain does not know it; one that is stuck
   * is replaced, one that nobody wants any more is cancelled. In nonce order; of those that share a nonce, the newest.
   */
  async follow(limit = 200): Promise<void> {
    const open = await this.database.query<OpenTransaction>(
      `SELECT ${COLUMNS}, age, lapsed FROM (
         SELECT DISTINCT ON (network, signer, nonce) *, extract(epoch FROM now() - created_at)::float * 1000 AS age,
                coalesce(valid_until < now() - make_interval(secs => ${LAPSED_SECONDS}), false) AS lapsed
           FROM chain_transactions WHERE state = 'signed' ORDER BY network, signer, nonce, created_at DESC
       ) newest WHERE age > 2000 ORDER BY row_number() OVER (PARTITION BY network, signer ORDER BY nonce), nonce LIMIT $1`,
      [limit],
    );
    const signers = new Set(open.map(signerOf));
    const followed = [...signers].map((signer) => this.followSigner(open.filter((one) => signerOf(one) === signer)));
    await Promise.all(followed);
    await this.closeReplaced();
  }

  /** In nonce order. A node that does not answer ends it for this signer alone, until the next run. */
  private async followSigner(open: readonly OpenTransaction[]): Promise<void> {
    let isHead = true;
    try {
      for (const transaction of open) {
        const network = this.networks.find(transaction.network);
        if (!network || (await this.stateOf(transaction)) !== 'signed') continue;
        // Those behind the first one wait for it, whatever they pay.
        const isStuck = isHead && transaction.age > network.config.gas.replaceAfterMs;
        if (transaction.lapsed) await this.replacer.cancel(transaction);
        else await (isStuck ? this.replacer.replace(transaction) : this.sender.broadcast(network, transaction));
        isHead = false;
      }
    } catch (error) {
      this.logger.warn(`${open[0]?.network} cannot be followed: ${String(error).split('\n')[0]}`);
    }
  }

  /** Of the transactions that share a nonce one was mined: the others never will be. */
  private async closeReplaced(): Promise<void> {
    await this.database.query(
      `UPDATE chain_transactions old SET state = 'dropped' FROM chain_transactions mined
        WHERE old.state = 'signed' AND mined.state IN ('mined', 'reverted') AND mined.hash <> old.hash
          AND (mined.network, mined.signer, mined.nonce) = (old.network, old.signer, old.nonce)`,
    );
  }

  /** The transactions in which a call was ever sent, newest first. */
  sentFor(reference: string): Promise<(ChainTransaction & { readonly calls: number })[]> {
    return this.database.query(
      `SELECT ${COLUMNS}, (SELECT count(*)::int FROM chain_calls other WHERE other.transaction = hash) AS calls
         FROM chain_transactions JOIN chain_calls ON transaction = hash
        WHERE reference = $1 ORDER BY created_at DESC, nonce DESC`,
      [reference],
    );
  }

  /**
   * Asks the chain what became of a transaction, and writes it down.
   * @throws when the chain does not answer.
   */
  async stateOf(transaction: ChainTransaction): Promise<ChainTransactionState> {
    // A node that lags behind another one can make a mined transaction look dropped: only receipts are final.
    if (transaction.state === 'mined' || transaction.state === 'reverted') return transaction.state;
    const fate = await this.ask(transaction);
    if (fate.state !== transaction.state) await this.found(transaction.hash, fate);
    return fate.state;
  }

  /** Its confirmed receipt is there. Never throws: what is not written down is found again. */
  async mined(receipt: TransactionReceipt): Promise<void> {
    await this.found(receipt.transactionHash, fateOf(receipt));
  }

  /** State and block in one statement: what is final by its confirmations is watched from then on. */
  private async found(hash: Hex, { state, receipt }: Fate): Promise<void> {
    await this.database
      .query(
        `UPDATE chain_transactions SET state = $2, block_number = $3, block_hash = $4
          WHERE hash = $1 AND state NOT IN ('mined', 'reverted')`,
        [hash, state, receipt?.blockNumber, receipt?.blockHash],
      )
      .catch((error: unknown) => this.logger.warn(`${hash} is ${state}, which is not written down: ${String(error)}`));
  }

  /** Those of a block that a reorganisation took: in another block now, to be sent again, or gone. */
  async lookAgain(network: ChainNetwork, blockNumber: bigint): Promise<void> {
    const taken = await this.database.query<ChainTransaction>(
      `SELECT ${COLUMNS} FROM chain_transactions WHERE network = $1 AND block_number = $2 AND block_hash IS NOT NULL`,
      [network.id, blockNumber],
    );
    for (const transaction of taken) {
      if ((await confirmedReceipt(network, transaction.hash)) === 'unconfirmed') continue;
      const fate = await this.ask(transaction);
      if (fate.state === transaction.state && fate.receipt) await this.inBlock(fate.receipt);
      else await this.lost(transaction, fate);
    }
  }

  private async inBlock({ transactionHash, blockNumber, blockHash }: TransactionReceipt): Promise<void> {
    await this.database.query('UPDATE chain_transactions SET block_number = $2, block_hash = $3 WHERE hash = $1', [
      transactionHash,
      blockNumber,
      blockHash,
    ]);
  }

  /** Whichever of those that share its nonce the chain takes now, the books are told that this one has not happened. */
  private async lost({ hash, network, signer, nonce }: ChainTransaction, { state, receipt }: Fate): Promise<void> {
    this.logger.error(`${hash} was taken off the chain by a reorganisation: it is ${state} now`);
    await this.database.query(
      `UPDATE chain_transactions SET
         state = CASE WHEN hash = $1 THEN $5 ELSE 'signed' END, lost_at = CASE WHEN hash = $1 THEN now() ELSE lost_at END,
         block_number = CASE WHEN hash = $1 THEN $6::bigint END, block_hash = CASE WHEN hash = $1 THEN $7 END
        WHERE network = $2 AND signer = $3 AND nonce = $4 AND (hash = $1 OR state = 'dropped' AND $5 = 'signed')`,
      [hash, network, signer, nonce, state, receipt?.blockNumber, receipt?.blockHash],
    );
  }

  private async ask({ network: id, signer, hash, nonce }: ChainTransaction): Promise<Fate> {
    const network = this.networks.of(id);
    const fate = async (): Promise<Fate | undefined> => {
      const receipt = await confirmedReceipt(network, hash);
      return receipt === 'unconfirmed' ? { state: 'signed' } : receipt && fateOf(receipt);
    };
    const found = await fate();
    if (found) return found;
    const used = await network.reader.getTransactionCount({ address: signer, blockTag: 'latest' });
    if (BigInt(used) <= nonce) return { state: 'signed' };
    // The nonce is used: by this transaction, mined between the two questions, or by another one.
    return (await fate()) ?? { state: 'dropped' };
  }
}

/** What became of a transaction, with its receipt once that is confirmed. */
interface Fate {
  readonly state: ChainTransactionState;
  readonly receipt?: TransactionReceipt;
}

const fateOf = (receipt: TransactionReceipt): Fate => ({
  state: receipt.status === 'success' ? 'mined' : 'reverted',
  receipt,
});
const signerOf = ({ network, signer }: ChainTransaction): string => `${network} ${signer}`;
