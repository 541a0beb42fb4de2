import { encodeFunctionData, type Hex, parseAbi } from 'viem';
import { MULTICALL3 } from '../../evm/contracts';
import type { ChainCall } from './chain-call';

const AGGREGATE_ABI = parseAbi([
  'function aggregate3((address target, bool allowFailure, bytes callData)[] calls) payable returns ((bool success, bytes returnData)[])',
]);
/** A transaction's own 21,000, and what Multicall3 adds to each call: its calldata, copied once. */
const BASE_GAS = 30_000n;
const GAS_PER_CALL = 15_000n;

/** What is sent for these calls: one call as it is, several through Multicall3, where each may fail alone. */
export function transactionOf(calls: readonly ChainCall[]): { to: Hex; data: Hex; gas: bigint } {
  const [first] = calls;
  if (calls.length === 1 && first) return { to: first.to, data: first.data, gas: first.gas };
  const args = calls.map(({ to, data }) => ({ target: to, allowFailure: true, callData: data }));
  return {
    to: MULTICALL3,
    data: encodeFunctionData({ abi: AGGREGATE_ABI, functionName: 'aggregate3', args: [args] }),
    gas: calls.reduce((sum, { gas }) => sum + gas + GAS_PER_CALL, BASE_GAS),
  };
}
