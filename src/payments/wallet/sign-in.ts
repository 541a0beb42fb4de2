import {
  parseSIWxHeader,
  type SIWxPayload,
  validateSIWxMessage,
  verifySIWxSignature,
} from '@x402/extensions/sign-in-with-x';
import type { Hex } from 'viem';
import { addressOf, signatureOf } from '../payment-envelope';
import type { RequestHeaders } from '../payment-scheme';
import { malformedPayment, type Refusal } from '../refusal';
import { CHALLENGE_SECONDS, isNonce, isOurNonce } from './sign-in-challenge';

/** The header `SIGN-IN-WITH-X` (CAIP-122) as it was read. Nothing is checked yet; hex is in lower case. */
export interface SignIn {
  readonly message: SIWxPayload;
  readonly address: Hex;
  readonly signature: Hex;
}

/** What a signed message must be for. */
export interface SignInPlace {
  /** The URL of the request. */
  readonly url: string;
  /** Whether the chain that it names is one of ours. */
  readonly known: boolean;
  /** It repeats a request that was admitted: by then it may be older than a new one. */
  readonly repeated: boolean;
  /** Of the nonces. */
  readonly key: string;
}

/** Whether this text was signed by this wallet. */
export type SignatureCheck = (address: Hex, text: string, signature: Hex) => Promise<boolean>;

/** The sign-in of a request, a refusal where it cannot be read, `undefined` where there is none. Never throws. */
export function findSignIn(headers: RequestHeaders): SignIn | Refusal | undefined {
  const header = headers['sign-in-with-x'];
  if (header === undefined) return undefined;
  if (typeof header !== 'string') return unreadable('it is there more than once');
  try {
    const message = parseSIWxHeader(header);
    const [address, signature] = [addressOf(message.address), signatureOf(message.signature)];
    if (address === undefined || message.type !== 'eip191') return unreadable('it is not of an EVM wallet');
    if (signature === undefined) return unreadable('signature is not the hex of one');
    return isNonce(message.nonce) ? { message, address, signature } : fault('invalid_siwx_nonce');
  } catch {
    return unreadable('it is not base64 of a CAIP-122 message');
  }
}

/**
 * Why a sign-in is not good, with the code of the published package; `undefined` when it is. Whether its nonce was
 * used before is not asked here.
 */
export async function signInFault(
  { message, address, signature }: SignIn,
  { url, known, repeated, key }: SignInPlace,
  isSigned: SignatureCheck,
): Promise<Refusal | undefined> {
  const here = new URL(url);
  const aged = repeated ? { ...message, expirationTime: undefined } : message;
  const maxAge = repeated ? Number.POSITIVE_INFINITY : CHALLENGE_SECONDS * 1000;
  const valid = await validateSIWxMessage(aged, new URL(here.origin), { maxAge });
  if (!valid.isValid) return fault(valid.invalidReason);
  if (new URL(message.uri).pathname !== here.pathname) return fault('invalid_siwx_uri_mismatch');
  if (!known) return fault('invalid_siwx_unsupported_chain');
  if (!isOurNonce(message, key)) return fault('invalid_siwx_nonce');
  const evmVerifier = ({ message: text }: { message: string }) => isSigned(address, text, signature);
  const verified = await verifySIWxSignature(message, { evmVerifier }).catch(() => MALFORMED);
  if (verified.isValid) return undefined;
  return verified.invalidReason === 'invalid_siwx_verifier_error' ? chainSilent : fault(verified.invalidReason);
}

/** The nonce was used before, for something else. */
export const nonceUsed: Refusal = {
  status: 402,
  code: 'invalid_siwx_nonce',
  detail: 'The nonce of this sign-in was used before, for another request.',
  hint: 'Sign the challenge of a new 402: a sign-in is good for one request.',
};

/** SIWE texts are built from the message: parts that no text can carry make it throw. */
const MALFORMED = { isValid: false as const, invalidReason: 'invalid_siwx_malformed_message' };

const fault = (code = 'invalid_siwx_signature'): Refusal => ({
  status: 402,
  code,
  detail: `The sign-in was not accepted: ${code.replace('invalid_siwx_', '').replaceAll('_', ' ')}.`,
  hint: 'Sign the challenge of a new 402 for this very URL, or pay in another way.',
});

const chainSilent: Refusal = {
  status: 503,
  code: 'chain_unavailable',
  detail: 'The chain does not answer, so the contract wallet cannot be asked about its signature.',
  hint: 'Repeat the very same request after the seconds in Retry-After.',
  retryAfter: 5,
};

const unreadable = (why: string): Refusal => ({
  ...malformedPayment('SIGN-IN-WITH-X', why),
  code: 'invalid_siwx_header',
  hint: 'It must be base64 of the JSON that the sign-in-with-x extension of x402 describes.',
});
