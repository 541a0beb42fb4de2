import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import type { Hex } from 'viem';
import { DatabaseService } from '../../database/database.service';
import { JobsService } from '../../jobs/jobs.service';
import { hashOf } from './block-hash';
import { type ChainNetwork, NetworksService } from './networks.service';
import { TransactionFollower } from './transaction-follower.service';

/** How often the chain is asked, and how many of the newest blocks with transactions of ours it is asked about at most. */
const WATCH_SECONDS = 5;
const MOST_BLOCKS = 500;
/** Nodes limit how many questions are in one request. */
const BLOCKS_AT_ONCE = 50;

interface OurBlock {
  readonly block_number: bigint;
  readonly block_hash: Hex;
}

/**
 * Notices reorganisations that are deeper than the confirmations that were waited for. The newest block that was once
 * found on the chain stands for all others that were found there: one question, as long as nothing happens. It stands for
 * none that was recorded since: a block that was replaced may have been followed by another one of ours.
 */
@Injectable()
export class ReorganisationWatch implements OnModuleInit {
  private readonly logger = new Logger('ReorganisationWatch');
  /** For each network the hashes of our blocks that were all on one chain when it was asked last. */
  private readonly seen = new Map<string, ReadonlySet<Hex>>();

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

  private async watchOne(network: ChainNetwork): Promise<void> {
    const blocks = await this.database.query<OurBlock>(
      `SELECT DISTINCT block_number, block_hash FROM chain_transactions
        WHERE network = $1 AND block_hash IS NOT NULL ORDER BY block_number DESC, block_hash LIMIT $2`,
      [network.id, MOST_BLOCKS],
    );
    const isSeen = ({ block_hash: hash }: OurBlock) => this.seen.get(network.id)?.has(hash) === true;
    const [seen, unseen] = [blocks.filter(isSeen), blocks.filter((block) => !isSeen(block))];
    const found = await matched(network, unseen);
    // Asked after the others: what matches now is on one chain with it.
    const stands = (await matched(network, seen.slice(0, 1))).every(({ isThere }) => isThere);
    const all = stands ? found : await matched(network, blocks);
    const there = all.filter(({ isThere }) => isThere).map(({ block_hash: hash }) => hash);
    this.seen.set(network.id, new Set([...(stands ? seen.map(({ block_hash: hash }) => hash) : []), ...there]));
    const replaced = all.filter(({ isReplaced }) => isReplaced).map(({ block_number: number }) => number);
    for (const number of new Set(replaced)) await this.follower.lookAgain(network, number);
  }
}

interface MatchedBlock extends OurBlock {
  readonly isThere: boolean;
  /** Neither where the chain does not reach so far: it is that of a node that lags. */
  readonly isReplaced: boolean;
}

async function matched(network: ChainNetwork, blocks: readonly OurBlock[]): Promise<MatchedBlock[]> {
  const all: MatchedBlock[] = [];
  for (let at = 0; at < blocks.length; at += BLOCKS_AT_ONCE) {
    const some = blocks.slice(at, at + BLOCKS_AT_ONCE).map(async (block) => {
      const hash = await hashOf(network, block.block_number);
      const isThere = hash === block.block_hash;
      return { ...block, isThere, isReplaced: hash !== undefined && !isThere };
    });
    all.push(...(await Promise.all(some)));
  }
  return all;
}
