import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** How long a challenge can be signed and shown: as long as the published package takes a message for fresh. */
export const CHALLENGE_SECONDS = 300;

/** What a wallet is asked to sign (CAIP-122, x402 extension `sign-in-with-x`). Times are ISO 8601. */
export interface SignInChallenge {
  readonly domain: string;
  readonly uri: string;
  readonly version: '1';
  readonly statement: string;
  readonly nonce: string;
  readonly issuedAt: string;
  readonly expirationTime: string;
  readonly resources: readonly string[];
}

/** A challenge for one URL of ours. Nothing is kept: its nonce proves by a keyed hash that we issued it for this. */
export function issueChallenge(url: string, key: string, now = new Date()): SignInChallenge {
  const issuedAt = now.toISOString();
  const random = randomBytes(RANDOM_BYTES).toString('hex');
  return {
    domain: new URL(url).host,
    uri: url,
    version: '1',
    statement: STATEMENT,
    nonce: random + seal(random, { uri: url, issuedAt }, key),
    issuedAt,
    expirationTime: new Date(now.getTime() + CHALLENGE_SECONDS * 1000).toISOString(),
    resources: [url],
  };
}

/** Whether the nonce of a signed message is one that we issued, for its URL and at its instant. */
export function isOurNonce(message: { nonce: string; uri: string; issuedAt: string }, key: string): boolean {
  const { nonce } = message;
  if (!isNonce(nonce)) return false;
  const random = nonce.slice(0, 2 * RANDOM_BYTES);
  return timingSafeEqual(Buffer.from(nonce.slice(2 * RANDOM_BYTES)), Buffer.from(seal(random, message, key)));
}

/** Whether a text has the shape of our nonces. Others are looked for nowhere. */
export const isNonce = (text: string): boolean =>
  /^[0-9a-f]+$/.test(text) && text.length === 2 * (RANDOM_BYTES + SEAL_BYTES);

/** Shown by the wallet to the person who signs. */
const STATEMENT = 'Use the balance of this wallet.';
const RANDOM_BYTES = 16;
const SEAL_BYTES = 16;

const seal = (random: string, { uri, issuedAt }: { uri: string; issuedAt: string }, key: string): string =>
  createHmac('sha256', key)
    .update(['sign-in', random, issuedAt, uri].join('\n'))
    .digest()
    .subarray(0, SEAL_BYTES)
    .toString('hex');
