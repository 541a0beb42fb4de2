import type { ChainCall } from './chain-call';

/** What one transaction may carry: a third of the gas of a block, and a receipt that is quickly read. */
const MOST_CALLS = 64;
const MOST_GAS = 12_000_000n;

/** Takes from the front of the queue what goes into one transaction: at least one call, in the order of arrival. */
export function takeBatch<Queued extends { readonly call: Pick<ChainCall, 'gas' | 'alone' | 'sender'> }>(
  queue: Queued[],
): Queued[] {
  let gas = 0n;
  let count = 0;
  for (const { call } of queue) {
    gas += call.gas;
    if (count > 0 && (standsAlone(call) || gas > MOST_GAS || count === MOST_CALLS)) break;
    count++;
    if (standsAlone(call)) break;
  }
  return queue.splice(0, count);
}

/** Inside another call, `msg.sender` would be Multicall3, and a stranger's code could burn everybody's gas. */
const standsAlone = (call: Pick<ChainCall, 'alone' | 'sender'>): boolean =>
  call.alone === true || call.sender !== undefined;
