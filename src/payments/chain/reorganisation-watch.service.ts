import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { BlockNotFoundError, type Hex } from 'viem';
import { DatabaseService } from '../../database/database.service';
import { JobsService } from '../../jobs/jobs.service';
import { type ChainNetwork, NetworksService } from './networks.service';
import { TransactionFollower } from './transaction-follower.service';

/** How often the chain is asked, and how many blocks with transactions of ours it is asked about at most. */
const WATCH_SECONDS = 5;
const MOST_BLOCKS = 500;

interface OurBlock {
  readonly block_number: bigint;
  readonly block_hash: Hex;
}

/**
 * Notices reorganisations that are deeper than the confirmations that were waited for. The newest block with a
 * transaction of ours stands for all before it: one question, as long as nothing happens.
 */
@Injectable()
export class ReorganisationWatch implements OnModuleInit {
  private readonly logger = new Logger('ReorganisationWatch');

  constructor(
    private readonly database: DatabaseService,
    private readonly jobs: JobsService,
    private readonly networks: NetworksService,
    private readonly follower: TransactionFollower,
  ) {}

  onModuleInit(): void {
    if (this.networks.all().length === 0) return;
    this.jobs.register({ name: 'watch-reorganisations', everySeconds: WATCH_SECONDS, run: () => this.watch() });
  }

  async watch(): Promise<void> {
    await Promise.all(
      this.networks
        .all()
        .map((network) =>
          this.watchOne(network).catch((error: unknown) =>
            this.logger.warn(`${network.id} cannot be watched: ${String(error).split('\n')[0]}`),
          ),
        ),
    );
  }

  /** Newest first, as far as blocks are not those of the chain any more. */
  private async watchOne(network: ChainNetwork): Promise<void> {
    let before: bigint | null = null;
    for (let looked = 0; looked < MOST_BLOCKS; looked++) {
      const [block]: OurBlock[] = await this.database.query<OurBlock>(
        `SELECT block_number, block_hash FROM chain_transactions
          WHERE network = $1 AND block_hash IS NOT NULL AND ($2::bigint IS NULL OR block_number < $2)
          ORDER BY block_number DESC LIMIT 1`,
        [network.id, before],
      );
      const hash = block && (await hashOf(network, block.block_number));
      if (!block || hash === block.block_hash) return;
      // A chain that does not reach so far is that of a node that lags.
      if (hash !== undefined) await this.follower.lookAgain(network, block.block_number);
      before = block.block_number;
    }
  }
}

/** `undefined` where the chain does not reach so far (any more). @throws when it does not answer. */
async function hashOf({ reader }: ChainNetwork, blockNumber: bigint): Promise<Hex | undefined> {
  try {
    return (await reader.getBlock({ blockNumber })).hash;
  } catch (error) {
    if (error instanceof BlockNotFoundError) return undefined;
    throw error;
  }
}
