import { Injectable, Logger } from '@nestjs/common';
import type { Hex, Log } from 'viem';
import { usdc } from '../../common/money';
import { DatabaseService } from '../../database/database.service';
import { BATCH_SETTLEMENT } from '../../evm/contracts';
import { channelsSettled } from '../../ledger/channel-entries';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { LedgerService } from '../../ledger/ledger.service';
import type { ChainNetwork } from '../chain/networks.service';
import { ChannelChain } from './channel-chain.service';
import { CHANNELS_ABI, settledIn } from './channel-contract';

/** Logs are asked for in a range that every node gives, and a day back on a chain with a block in two seconds. */
const LOG_BLOCKS = 2_000n;
const MAX_RANGES = 22;

/** Books what channels paid out to us, one entry per `Settled` log: anybody may cause a payout, not only our claims. */
@Injectable()
export class ChannelSettlements {
  private readonly logger = new Logger('ChannelSettlements');
  /** Totals for which the logs were searched in vain, so that they are not searched again. */
  private readonly unexplained = new Map<string, bigint>();

  constructor(
    private readonly database: DatabaseService,
    private readonly ledger: LedgerService,
    private readonly chain: ChannelChain,
  ) {}

  /** Books the payouts in these logs, and says how much of them was new, in atoms. Safe to repeat. */
  async book(network: string, logs: readonly Log<bigint, number, false>[], receiver: Hex, token: Hex): Promise<bigint> {
    let booked = 0n;
    for (const { transaction, logIndex, amount } of settledIn(logs, receiver, token)) {
      const entry = channelsSettled({ transaction, logIndex, network, payTo: receiver, amount: usdc(amount) });
      const { verdict } = await this.ledger.post(entry);
      if (verdict !== 'posted' && verdict !== 'replayed') {
        throw new LedgerRefusedError(`payout of channels ${transaction}:${logIndex}`, verdict);
      }
      const made = await this.database.query(
        `INSERT INTO channel_settlements (network, transaction, log_index, receiver, atoms) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING RETURNING 1`,
        [network, transaction, logIndex, receiver.toLowerCase(), amount],
      );
      if (made.length > 0) booked += amount;
    }
    return booked;
  }

  /** Finds and books what somebody else paid out to us. @throws when the node does not answer. */
  async watch({ id, config, reader }: ChainNetwork): Promise<void> {
    const { payTo, asset } = config;
    const [known] = await this.database.query<{ atoms: bigint; since: Date | null }>(
      `SELECT coalesce((SELECT sum(atoms) FROM channel_settlements WHERE network = $1 AND receiver = $2), 0)::bigint AS atoms,
              (SELECT min(created_at) FROM channels WHERE network = $1) AS since`,
      [id, payTo.toLowerCase()],
    );
    const settled = await this.chain.settledOf(id, payTo, asset.address);
    if (!known?.since || settled === known.atoms || this.unexplained.get(id) === settled - known.atoms) return;
    let found = known.atoms;
    let to = await reader.getBlockNumber({ cacheTime: 0 });
    for (let range = 0; range < MAX_RANGES && to >= 0n && found < settled; range++, to -= LOG_BLOCKS) {
      const fromBlock = to >= LOG_BLOCKS ? to - LOG_BLOCKS + 1n : 0n;
      const where = {
        address: BATCH_SETTLEMENT,
        abi: CHANNELS_ABI,
        eventName: 'Settled',
        fromBlock,
        toBlock: to,
      } as const;
      const logs = await reader.getContractEvents({ ...where, args: { receiver: payTo, token: asset.address } });
      for (const log of logs) {
        const { timestamp } = await reader.getBlock({ blockNumber: log.blockNumber });
        // What was paid out before there was a channel here is not of these books.
        if (Number(timestamp) * 1000 < known.since.getTime() - CLOCK_SKEW_MS) continue;
        found += await this.book(id, [log], payTo, asset.address);
      }
    }
    const [now] = await this.database.query<{ atoms: bigint }>(
      'SELECT coalesce(sum(atoms), 0)::bigint AS atoms FROM channel_settlements WHERE network = $1 AND receiver = $2',
      [id, payTo.toLowerCase()],
    );
    const missing = settled - (now?.atoms ?? 0n);
    if (missing === 0n) return;
    this.unexplained.set(id, missing);
    this.logger.warn(`${id}: ${missing} micro-USDC were paid out to ${payTo} by logs that are not found`);
  }
}

/** A block's timestamp may be this much behind our clock. */
const CLOCK_SKEW_MS = 60_000;
