import type { Claim, KeptAnswer } from '../claim';
import { parseLog, type TransferLog } from '../chain-watch/transfer-log';
import { settlementHeaders } from '../exact/settlement-headers';
import type { Hold } from '../payment-scheme';

/** What a claim keeps of a shown transfer: enough to put it on the books again. Atoms are decimal strings. */
export interface TransferClaim {
  readonly network: string;
  readonly payTo: string;
  readonly transaction: string;
  readonly payer: string;
  /** What arrived. */
  readonly value: string;
  /** How many transfers of this value its payer made with this transaction; not there in claims from before. */
  readonly alike?: number;
  /** What the reference asked for. */
  readonly due: string;
  /** Why it is credit and does not pay for the request; `null` when it does. */
  readonly refused: 'underpaid' | 'expired' | null;
}

/** A claimed transfer, whose due amount is held on the wallet's credit. */
export interface TransferHold extends Hold {
  readonly claimKey: string;
  readonly payer: string;
  readonly transfer: TransferClaim;
}

/** A log of a chain is used once for ever (`claimLogs` says which). */
export const transferKey = (network: string, transaction: string, logIndex: number): string =>
  `transfer:${network}:${transaction}:${logIndex}`;

/** The log that a claim's key names. */
export function logOf(key: string): TransferLog {
  const log = parseLog(key.slice('transfer:'.length));
  if (!log) throw new Error(`${key} is not the claim of a transfer.`);
  return log;
}

/** `PAYMENT-RESPONSE` of a transfer, as of any other settlement. */
export const headersOf = ({ value, ...transfer }: TransferClaim): Record<string, string> =>
  settlementHeaders({ ...transfer, amount: value });

/** What a settled claim was answered with, and the headers of its transfer; `undefined` when it is not kept. */
export const answerOf = ({ answer, payment }: Claim): KeptAnswer | undefined =>
  answer && { ...answer, headers: { ...answer.headers, ...headersOf(payment as TransferClaim) } };
