import { BaseError, type Hex, HttpRequestError, parseAbiItem } from 'viem';
import { ChainAwayError } from '../../evm/chain-nodes';
import type { ChainNetwork } from '../chain/networks.service';
import type { Chunk } from './log-range';

/** More than any node gives without a word: it may have left something out. */
const MOST_LOGS = 9_000;
const TRANSFER = parseAbiItem('event Transfer(address indexed from, address indexed to, uint256 value)');

/** A transfer as one address of ours sees it. Addresses are in lower case. */
export interface ChainTransfer {
  readonly transaction: Hex;
  readonly logIndex: number;
  readonly address: string;
  readonly other: string;
  /** What the address got; negative for what it gave. */
  readonly atoms: bigint;
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
}

export interface ReadChunk {
  readonly transfers: readonly ChainTransfer[];
  /** Of the chunk's last block. */
  readonly lastHash: Hex;
}

/**
 * The transfers in a range of blocks, to and from these addresses. Together with the range's last block, in one request:
 * a node that has not heard of that block yet would say that there is nothing in it.
 * @throws what the node says; RangeRefusedError where a smaller range may be answered.
 */
export async function transfersIn({ reader, config }: ChainNetwork, chunk: Chunk): Promise<ReadChunk> {
  const addresses = chunk.addresses as readonly Hex[];
  const where = { address: config.asset.address, event: TRANSFER, fromBlock: chunk.from, toBlock: chunk.to } as const;
  const asked = Promise.all([
    reader.getLogs({ ...where, args: { to: [...addresses] } }),
    reader.getLogs({ ...where, args: { from: [...addresses] } }),
    reader.getBlock({ blockNumber: chunk.to }),
  ]);
  const [received, sent, last] = await asked.catch((error: unknown) => {
    throw saysNothing(error) ? error : new RangeRefusedError(error);
  });
  if (received.length > MOST_LOGS || sent.length > MOST_LOGS) throw new RangeRefusedError('too many logs');
  const side = (sign: 1n | -1n, address: Hex, other: Hex, log: (typeof received)[number]): ChainTransfer => ({
    transaction: log.transactionHash,
    logIndex: log.logIndex,
    address: address.toLowerCase(),
    other: other.toLowerCase(),
    atoms: sign * (log.args.value ?? 0n),
    blockNumber: log.blockNumber,
    blockHash: log.blockHash,
  });
  const sides = [
    ...received.map((log) => side(1n, log.args.to as Hex, log.args.from as Hex, log)),
    ...sent.map((log) => side(-1n, log.args.from as Hex, log.args.to as Hex, log)),
  ];
  return {
    transfers: sides.filter(({ atoms, address, other }) => atoms !== 0n && address !== other),
    lastHash: last.hash,
  };
}

/** The node answered, and did not give this range. */
export class RangeRefusedError extends Error {
  constructor(override readonly cause: unknown) {
    super('The node refused a range of logs.');
    this.name = 'RangeRefusedError';
  }
}

/** No node was reached: a smaller range changes nothing. One that takes too long may have too much to look through. */
function saysNothing(error: unknown): boolean {
  if (!(error instanceof BaseError)) return true;
  const away = error.walk(
    (one) => one instanceof ChainAwayError || (one instanceof HttpRequestError && one.status === undefined),
  );
  return away !== null;
}
