import { createHmac, timingSafeEqual } from 'node:crypto';

/** What one transfer is asked for: bound to a request by its fingerprint, and to where the money goes. */
export interface TransferTerms {
  /** Method, path and body of the request as one hash. */
  readonly fingerprint: string;
  /** CAIP-2. */
  readonly network: string;
  readonly asset: string;
  readonly payTo: string;
}

/** What a reference says of itself. Times are Unix seconds. */
export interface PaymentReference {
  /** What is due, in atoms of the asset: it stays what was announced, whatever the price becomes. */
  readonly atoms: bigint;
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Long enough for a person to find their wallet and for a slow chain to include the transfer. */
export const REFERENCE_SECONDS = 3600;

/**
 * Names the payment of one request so that nobody can make up another one: nothing is kept, a keyed hash proves that
 * we issued it. `atoms` from 1 to 2^64 - 1.
 */
export function issueReference(terms: TransferTerms, atoms: bigint, key: string, now = new Date()): string {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(Math.floor(now.getTime() / 1000));
  head.writeBigUInt64BE(atoms, 4);
  return PREFIX + Buffer.concat([head, seal(head, terms, key)]).toString('base64url');
}

/** `undefined` when it was not issued by us for these terms. An expired one is read all the same. */
export function readReference(text: string, terms: TransferTerms, key: string): PaymentReference | undefined {
  const bytes = Buffer.from(text.slice(PREFIX.length), 'base64url');
  if (bytes.length !== HEAD_BYTES + SEAL_BYTES || PREFIX + bytes.toString('base64url') !== text) return undefined;
  const head = bytes.subarray(0, HEAD_BYTES);
  if (!timingSafeEqual(bytes.subarray(HEAD_BYTES), seal(head, terms, key))) return undefined;
  const issuedAt = head.readUInt32BE();
  return { atoms: head.readBigUInt64BE(4), issuedAt, expiresAt: issuedAt + REFERENCE_SECONDS };
}

const PREFIX = 'tbr_';
/** Issue in Unix seconds (4) and the amount (8). */
const HEAD_BYTES = 12;
/** Together a multiple of three, so that base64url has one spelling only. */
const SEAL_BYTES = 18;

function seal(head: Buffer, { fingerprint, network, asset, payTo }: TransferTerms, key: string): Buffer {
  const bound = ['transfer-reference', fingerprint, network, asset.toLowerCase(), payTo.toLowerCase()].join('\n');
  return createHmac('sha256', key).update(head).update(bound).digest().subarray(0, SEAL_BYTES);
}
