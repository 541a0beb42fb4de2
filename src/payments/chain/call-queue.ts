import type { ChainCall } from './chain-call';

/** What one transaction may carry: a third of the gas of a block, and a receipt that is quickly read. */
const MOST_CALLS = 64;
const MOST_GAS = 12_000_000n;

/** How many from the front of the queue go into one transaction: at least one, in the order of arrival. */
export function batchSize(queue: readonly Pick<ChainCall, 'gas' | 'alone' | 'sender'>[]): number {
  let gas = 0n;
  let count = 0;
  for (const call of queue) {
    gas += call.gas;
    if (count > 0 && (standsAlone(call) || gas > MOST_GAS || count === MOST_CALLS)) break;
    count++;
    if (standsAlone(call)) break;
  }
  return count;
}

/** Inside another call, `msg.sender` would be Multicall3, and a stranger's code could burn everybody's gas. */
const standsAlone = (call: Pick<ChainCall, 'alone' | 'sender'>): boolean =>
  call.alone === true || call.sender !== undefined;
