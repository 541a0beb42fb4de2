/** A log of a chain: what a transfer is known by for ever. */
export interface TransferLog {
  /** CAIP-2. */
  readonly network: string;
  readonly transaction: string;
  readonly logIndex: number;
}

const WRITTEN = /^([^:]+:[^:]+):(0x[0-9a-f]{64}):(\d{1,9})$/;

/** Reads `<network>:<transaction>:<log index>`; `undefined` for anything else. */
export function parseLog(text: string): TransferLog | undefined {
  const [, network, transaction, logIndex] = WRITTEN.exec(text) ?? [];
  if (network === undefined || transaction === undefined) return undefined;
  return { network, transaction, logIndex: Number(logIndex) };
}
