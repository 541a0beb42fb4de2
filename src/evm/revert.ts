import {
  type Abi,
  BaseError,
  ContractFunctionRevertedError,
  ContractFunctionZeroDataError,
  decodeErrorResult,
  ExecutionRevertedError,
  type Hex,
} from 'viem';

/** Whether the contract itself said no, as opposed to a node that could not be asked. */
export const isRevert = (error: unknown): error is BaseError =>
  error instanceof BaseError &&
  error.walk(
    (cause) =>
      cause instanceof ContractFunctionRevertedError ||
      cause instanceof ContractFunctionZeroDataError ||
      cause instanceof ExecutionRevertedError,
  ) !== null;

/** The name of the contract's error where `abi` knows it, else what the node says of it. */
export function revertReason(error: BaseError, abi: Abi): string {
  const data = dataOf(error.walk((cause) => dataOf(cause) !== undefined));
  try {
    return data === undefined ? error.shortMessage : decodeErrorResult({ abi, data }).errorName;
  } catch {
    return `${error.shortMessage} ${data}`;
  }
}

/** Nodes put it in different depths: `{data: '0x…'}`, or `{data: {data: '0x…'}}`. */
function dataOf(error: unknown): Hex | undefined {
  const data: unknown = (error as { data?: unknown } | null)?.data;
  if (typeof data === 'string' && /^0x[0-9a-f]{8,}$/i.test(data)) return data as Hex;
  return typeof data === 'object' && data !== null ? dataOf(data) : undefined;
}
