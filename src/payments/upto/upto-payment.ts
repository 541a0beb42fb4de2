import { createHash } from 'node:crypto';
import type { Hex } from 'viem';
import { UPTO_PERMIT2_PROXY } from '../../evm/contracts';
import { type SponsoredPermit, sponsoredPermitOf } from '../gas-sponsoring';
import {
  envelopeFor,
  type PaymentEnvelope,
  sameAddress,
  signatureOf,
  type UnreadablePayment,
  unreadablePayload,
} from '../payment-envelope';
import { latestEnd } from '../payment-requirements';
import type { PaymentPayload, PaymentRequirements, RequestHeaders } from '../payment-scheme';
import type { Refusal } from '../refusal';
import { type Permit2Authorization, permit2AuthorizationOf } from './permit2-authorization';

/** A transfer of up to a ceiling that its payer signed (Permit2 with a witness), as `upto` on EVM carries it. */
export interface UptoPayment extends PaymentPayload {
  readonly authorization: Permit2Authorization;
  readonly signature: Hex;
  /** The approval of Permit2 that the payer signed, for us to send (EIP-2612). */
  readonly permit: SponsoredPermit | undefined;
  readonly accepted: PaymentEnvelope['accepted'];
}

/** The payment of a request that names `upto`; `undefined` when it carries none. Never throws. */
export function findUptoPayment(headers: RequestHeaders): UptoPayment | UnreadablePayment | undefined {
  const envelope = envelopeFor('upto', headers);
  if (!envelope) return undefined;
  const { version, accepted, payload } = envelope;
  const unreadable = (why: string) => unreadablePayload('upto', version, why);
  if (version !== 2) return unreadable('upto is a scheme of version 2');
  const authorization = permit2AuthorizationOf(payload['permit2Authorization']);
  if (!authorization) return unreadable('payload.permit2Authorization is not a Permit2 authorization');
  const signature = signatureOf(payload['signature']);
  if (!signature) return unreadable('payload.signature is not the hex of a signature');
  const permit = sponsoredPermitOf(envelope.extensions);
  if (permit === 'unreadable') return unreadable('extensions.eip2612GasSponsoring is not an EIP-2612 permit');
  return { scheme: 'upto', authorization, signature, permit, accepted };
}

/** Six seconds are what a settlement needs at least: three blocks of Base. */
const LEAST_SECONDS = 6;

/**
 * Why the payment does not answer what was asked for, before anybody is asked about its signature; with the reasons of
 * `@x402/evm`, in its order. `facilitators`: every key of ours that may settle.
 */
export function mismatchOf(
  { accepted, authorization }: Pick<UptoPayment, 'accepted' | 'authorization'>,
  required: PaymentRequirements,
  facilitators: readonly string[],
  now: number = Math.floor(Date.now() / 1000),
): Refusal | undefined {
  const { permitted, spender, deadline, witness } = authorization;
  if (accepted.network !== required.network) {
    return refusedPayment('invalid_upto_evm_network_mismatch', 'The payment is for another network.');
  }
  if (!sameAddress(spender, UPTO_PERMIT2_PROXY)) {
    return refusedPayment('invalid_permit2_spender', `The spender must be the upto proxy, ${UPTO_PERMIT2_PROXY}.`);
  }
  if (!sameAddress(witness.to, required.payTo)) {
    return refusedPayment('invalid_permit2_recipient_mismatch', 'The payment goes to somebody else.');
  }
  if (!facilitators.some((address) => sameAddress(address, witness.facilitator))) {
    return refusedPayment('upto_facilitator_mismatch', 'The payment can be settled by another facilitator only.');
  }
  if (BigInt(deadline) < BigInt(now + LEAST_SECONDS)) {
    return refusedPayment('permit2_deadline_expired', 'The payment has lapsed, or is about to.');
  }
  if (BigInt(deadline) > latestEnd(required, now)) {
    const detail = `The payment is valid until ${deadline}, at most ${latestEnd(required, now)} is taken.`;
    return refusedPayment('permit2_deadline_too_late', detail);
  }
  if (BigInt(witness.validAfter) > BigInt(now)) {
    return refusedPayment('permit2_not_yet_valid', 'The payment is not valid yet.');
  }
  if (permitted.amount !== required.amount || (accepted.amount ?? required.amount) !== required.amount) {
    const detail = `The payment is over ${permitted.amount} atoms, the call needs up to ${required.amount}.`;
    return refusedPayment('permit2_amount_mismatch', detail);
  }
  if (!sameAddress(permitted.token, required.asset) || !sameAddress(accepted.asset ?? required.asset, required.asset)) {
    return refusedPayment('permit2_token_mismatch', 'The payment is in another asset.');
  }
  return undefined;
}

/** What identifies a payment for ever: a Permit2 nonce is used once per owner, whatever the token. */
export const paymentIdOf = (network: string, { from, nonce }: Permit2Authorization): string =>
  `upto:${network}:${from}:${BigInt(nonce)}`.toLowerCase();

/** Binds a payment to the request that it came with, and to the very signature: a forged copy is another payment. */
export const boundTo = ({ signature }: Pick<UptoPayment, 'signature'>, requestFingerprint: string): string =>
  createHash('sha256').update(`${requestFingerprint}\n${signature.toLowerCase()}`).digest('base64url');

/** When it lapses, as far as a calendar reaches. */
export const lapseOf = ({ deadline }: Permit2Authorization): Date =>
  new Date(Math.min(Number(deadline) * 1000, LAST_INSTANT));

export const refusedPayment = (code: string, detail?: string): Refusal => ({
  status: 402,
  code,
  detail: detail ?? `The payment was not accepted: ${code.replaceAll('_', ' ')}.`,
  hint: 'Nothing was taken. Pay what PAYMENT-REQUIRED asks for.',
});

/** 31 December 9999 in Unix milliseconds: authorizations may be valid for much longer. */
const LAST_INSTANT = 253_402_214_400_000;
