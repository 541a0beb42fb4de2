import { Injectable } from '@nestjs/common';
import type { Hex } from 'viem';
import { DatabaseService } from '../../database/database.service';
import { finalBlock } from '../chain/confirmed-receipt';
import type { ChainNetwork } from '../chain/networks.service';
import { ChainCursors } from './chain-cursors.service';
import { LogRange, nextChunk } from './log-range';
import { RangeRefusedError, transfersIn } from './transfer-logs';

/** How many of the oldest settlements are looked for on the chain, to begin where the first one was. */
const FIRST_ONES = 5;
const BLOCKS_AT_ONCE = 50;

export interface ReadSoFar {
  /** Every block up to it is read. */
  readonly block: bigint;
  readonly isDone: boolean;
}

/** Reads every transfer to and from our addresses, chunk by chunk, up to the newest final block. */
@Injectable()
export class ChainReader {
  /** What each network's nodes have taken so far. */
  private readonly ranges = new Map<string, LogRange>();

  constructor(
    private readonly database: DatabaseService,
    private readonly cursors: ChainCursors,
  ) {}

  /** @throws when the chain does not answer: what was read until then is kept. */
  async read(
    network: ChainNetwork,
    addresses: readonly string[],
    { mostChunks, tell }: { mostChunks: number; tell: (progress: string) => void },
  ): Promise<ReadSoFar> {
    const target = await finalBlock(network);
    await this.open(network, addresses, target);
    if (await this.cursors.rewind(network))
      tell(`${network.id}: the chain was reorganised, some blocks are read again`);
    const range = this.rangeOf(network);
    for (let chunks = 0; chunks < mostChunks;) {
      const chunk = nextChunk(await this.cursors.of(network), target, range.blocks);
      if (!chunk) return { block: target, isDone: true };
      try {
        const read = await transfersIn(network, chunk);
        await this.cursors.keep(network, chunk, read);
        range.accept();
        chunks += 1;
        tell(`${network.id}: block ${chunk.to} of ${target} is read`);
      } catch (error) {
        if (!(error instanceof RangeRefusedError)) throw error;
        if (!range.refuse(Number(chunk.to - chunk.from) + 1)) throw error.cause;
        tell(`${network.id}: ${chunk.to - chunk.from + 1n} blocks were refused, ${range.blocks} are asked for`);
      }
    }
    const positions = (await this.cursors.of(network)).map(({ nextBlock }) => nextBlock - 1n);
    const block = positions.reduce((a, b) => (a < b ? a : b), target);
    return { block, isDone: block >= target };
  }

  /** When the transfers that nobody explains yet were mined; others are not asked for. */
  async dateOpenTransfers(network: ChainNetwork): Promise<void> {
    for (;;) {
      const blocks = await this.database.query<{ number: bigint }>(
        `SELECT DISTINCT block_number AS number FROM chain_transfers
          WHERE network = $1 AND state = 'open' AND mined_at IS NULL ORDER BY block_number LIMIT ${BLOCKS_AT_ONCE}`,
        [network.id],
      );
      if (blocks.length === 0) return;
      const asked = blocks.map(
        async ({ number }) => (await network.reader.getBlock({ blockNumber: number })).timestamp,
      );
      const instants = await Promise.all(asked);
      await this.database.query(
        `UPDATE chain_transfers SET mined_at = to_timestamp(mined.at)
           FROM unnest($2::bigint[], $3::bigint[]) AS mined (block, at)
          WHERE network = $1 AND block_number = mined.block AND mined_at IS NULL`,
        [network.id, blocks.map(({ number }) => number), instants],
      );
    }
  }

  /** An address that is new begins where the books first tell of it, or at the newest block, and a little before. */
  private async open(network: ChainNetwork, addresses: readonly string[], target: bigint): Promise<void> {
    const known = new Set((await this.cursors.of(network)).map(({ address }) => address));
    for (const address of addresses.filter((one) => !known.has(one))) {
      const first = (await this.firstSettlement(network, address)) ?? target;
      const start = first - BigInt(network.config.logs.lookBack);
      await this.cursors.open(network, address, start < 0n ? 0n : start);
    }
  }

  private async firstSettlement(network: ChainNetwork, address: string): Promise<bigint | undefined> {
    const booked = await this.database.query<{ transaction: Hex }>(
      `SELECT transaction FROM chain_bookings WHERE network = $1 AND address = $2 AND transaction <> ''
        ORDER BY entry_id LIMIT ${FIRST_ONES}`,
      [network.id, address],
    );
    for (const { transaction: hash } of booked) {
      const block = await network.reader.getTransactionReceipt({ hash }).then(
        ({ blockNumber }) => blockNumber,
        () => undefined, // it is not there, or the node has forgotten it
      );
      if (block !== undefined) return block;
    }
    return undefined;
  }

  private rangeOf({ id, config }: ChainNetwork): LogRange {
    const range = this.ranges.get(id) ?? new LogRange(config.logs.range);
    this.ranges.set(id, range);
    return range;
  }
}
