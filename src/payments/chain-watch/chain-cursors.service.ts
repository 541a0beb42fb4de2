import { Injectable } from '@nestjs/common';
import type { Hex } from 'viem';
import { DatabaseService } from '../../database/database.service';
import type { ChainNetwork } from '../chain/networks.service';
import { hashOf } from '../chain/block-hash';
import type { Chunk } from './log-range';
import { balanceOf } from './token-balance';
import type { ReadChunk } from './transfer-logs';

/** How far one address is read. */
export interface ChainCursor {
  readonly address: string;
  readonly firstBlock: bigint;
  readonly nextBlock: bigint;
  /** Of the block before `nextBlock`; `null` before the first one. */
  readonly lastHash: Hex | null;
}

/** How far the chains are read. A chunk's transfers and the cursor move in one transaction: a crash repeats nothing. */
@Injectable()
export class ChainCursors {
  constructor(private readonly database: DatabaseService) {}

  of(network: ChainNetwork): Promise<ChainCursor[]> {
    return this.database.query<ChainCursor>(
      `SELECT address, first_block AS "firstBlock", next_block AS "nextBlock", last_hash AS "lastHash"
         FROM chain_cursors WHERE network = $1 AND asset = $2 ORDER BY address`,
      [network.id, assetOf(network)],
    );
  }

  /** From `firstBlock` on. What the address had before is remembered, where the node still knows it. */
  async open(network: ChainNetwork, address: string, firstBlock: bigint): Promise<void> {
    const before = firstBlock - 1n;
    const opening = before < 0n ? 0n : await balanceOf(network, [address], before).catch(() => null);
    const lastHash = before < 0n ? null : ((await hashOf(network, before)) ?? null);
    await this.database.query(
      `INSERT INTO chain_cursors (network, asset, address, first_block, opening_atoms, next_block, last_hash)
       VALUES ($1, $2, $3, $4, $5, $4, $6) ON CONFLICT DO NOTHING`,
      [network.id, assetOf(network), address, firstBlock, opening, lastHash],
    );
  }

  /** Keeps what was read. Nothing of it where somebody else has read it meanwhile. */
  async keep(network: ChainNetwork, { from, to, addresses }: Chunk, { transfers, lastHash }: ReadChunk): Promise<void> {
    await this.database.transaction(async (tx) => {
      const mine = await tx.query<{ address: string }>(
        `UPDATE chain_cursors SET next_block = $5, last_hash = $6
          WHERE network = $1 AND asset = $2 AND address = ANY ($3) AND next_block = $4 RETURNING address`,
        [network.id, assetOf(network), addresses, from, to + 1n, lastHash],
      );
      const moved = new Set(mine.map(({ address }) => address));
      const rows = transfers
        .filter(({ address }) => moved.has(address))
        .map(({ logIndex, blockNumber, blockHash, atoms, ...transfer }) => ({
          ...transfer,
          log_index: logIndex,
          atoms: atoms.toString(),
          block_number: blockNumber.toString(),
          block_hash: blockHash,
        }));
      if (rows.length > 0) await tx.query(INSERT, [network.id, assetOf(network), JSON.stringify(rows)]);
    });
  }

  /**
   * Goes back to the last block that is still on the chain, where a reorganisation went deeper than the confirmations:
   * what was read since is read again. `false` when there was none.
   */
  async rewind(network: ChainNetwork): Promise<boolean> {
    const cursors = (await this.of(network)).filter(({ lastHash }) => lastHash !== null);
    const newest = cursors.toSorted((a, b) => (a.nextBlock < b.nextBlock ? 1 : -1))[0];
    const there = newest && (await hashOf(network, newest.nextBlock - 1n));
    // A node that does not know the block lags behind: that is no reorganisation.
    if (there === undefined || there === newest?.lastHash) return false;
    const safe = await this.newestOnChain(network);
    await this.database.transaction(async (tx) => {
      const [unread] = await tx.query(UNREAD, [network.id, assetOf(network), safe.number]);
      if (unread) throw new Error(`${network.id} was reorganised while its books were written: ask again.`);
      await tx.query(REOPEN, [network.id, assetOf(network), safe.number]);
      await tx.query('DELETE FROM chain_transfers WHERE network = $1 AND asset = $2 AND block_number > $3', [
        network.id,
        assetOf(network),
        safe.number,
      ]);
      await tx.query(
        `UPDATE chain_cursors SET next_block = greatest($3::bigint + 1, first_block),
                last_hash = CASE WHEN $3::bigint >= first_block THEN $4 END
          WHERE network = $1 AND asset = $2 AND next_block > $3::bigint + 1`,
        [network.id, assetOf(network), safe.number, safe.hash],
      );
    });
    return true;
  }

  /** The newest block with a transfer of ours that is still there; -1 when none is. */
  private async newestOnChain(network: ChainNetwork): Promise<{ number: bigint; hash: Hex | null }> {
    const blocks = await this.database.query<{ number: bigint; hash: Hex }>(
      `SELECT DISTINCT block_number AS number, block_hash AS hash FROM chain_transfers
        WHERE network = $1 AND asset = $2 ORDER BY block_number DESC LIMIT 500`,
      [network.id, assetOf(network)],
    );
    for (const block of blocks) if ((await hashOf(network, block.number)) === block.hash) return block;
    return { number: -1n, hash: null };
  }
}

const INSERT = `
  INSERT INTO chain_transfers (network, asset, transaction, log_index, address, other, atoms, block_number, block_hash)
  SELECT $1, $2, transaction, log_index, address, other, atoms, block_number, block_hash
    FROM jsonb_to_recordset($3::jsonb) AS seen
         (transaction text, log_index integer, address text, other text, atoms bigint, block_number bigint, block_hash text)
  ON CONFLICT DO NOTHING`;

// What is on the books of these blocks must be known as that before the transfers are forgotten.
const UNREAD = `
  SELECT FROM chain_transfers lost
   WHERE network = $1 AND asset = $2 AND block_number > $3 AND entry_id IS NOT NULL
     AND NOT EXISTS (SELECT FROM chain_bookings booking WHERE booking.network = lost.network
                        AND booking.address = lost.address AND booking.entry_id = lost.entry_id) LIMIT 1`;

// What these blocks had may come again in another one, or be taken off the books.
const REOPEN = `
  UPDATE chain_bookings booking SET state = 'open'
    FROM chain_transfers lost
   WHERE lost.network = $1 AND lost.asset = $2 AND lost.block_number > $3
     AND booking.network = $1 AND booking.address = lost.address AND booking.entry_id = lost.entry_id`;

export const assetOf = ({ config }: Pick<ChainNetwork, 'config'>): string => config.asset.address.toLowerCase();
