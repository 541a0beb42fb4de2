import type { Refusal } from '../refusal';

const UNCLAIMED = 'Nothing was claimed. Show the transfer that the instructions ask for.';
const CREDITED = 'Its amount is the credit of the paying wallet: sign in with the wallet to use it or to take it back.';

const refusal = (code: string, detail: string, hint: string): Refusal => ({ status: 402, code, detail, hint });

/** Why a transfer that was shown does not pay for this request, each under its own stable code. */
export const TRANSFER_REFUSALS = {
  wrongNetwork: refusal(
    'transfer_network_mismatch',
    'The transfer is on another network than the one that was asked for.',
    UNCLAIMED,
  ),
  unknownReference: refusal(
    'transfer_reference_unknown',
    'The reference was not issued for this request: method, path and body must be the same as in the 402.',
    'Nothing was claimed. Repeat the request exactly as it was when the reference was issued.',
  ),
  badSignature: refusal(
    'transfer_signature_invalid',
    'The signature is not the payer’s over this transaction, network and reference.',
    'Nothing was claimed. Sign the text in proof.sign of the instructions with the wallet that sent the transfer (EIP-191).',
  ),
  unknown: refusal('transfer_unknown', 'The chain does not know this transaction.', UNCLAIMED),
  reverted: refusal('transfer_reverted', 'The transaction failed on the chain: nothing was transferred.', UNCLAIMED),
  foreign: refusal(
    'transfer_foreign',
    'The transaction has no transfer of this payer to payTo in the asset that was asked for.',
    UNCLAIMED,
  ),
  tooOld: refusal(
    'transfer_too_old',
    'The transfer is older than the reference: it cannot have been meant for this request.',
    UNCLAIMED,
  ),
  alreadyUsed: refusal(
    'transfer_already_used',
    'This transfer has paid for something already.',
    'What it left over is the balance of the wallet: sign in with it, or send a new transfer.',
  ),
  attributed: refusal(
    'transfer_attributed',
    'The transfer waited without a proof, and the operator has given it to somebody since.',
    'Ask the operator whose credit it is, or send a new transfer for this request.',
  ),
  underpaid: refusal('transfer_underpaid', 'The transfer is less than what was asked for.', CREDITED),
  expired: refusal('transfer_reference_expired', 'The reference has expired before the transfer was shown.', CREDITED),
} as const satisfies Record<string, Refusal>;

/** Why a claim of a transfer ended `failed`: its reason. */
export type FailedProof = 'underpaid' | 'expired' | 'attributed' | 'alreadyUsed';

/** A transfer that is on its way: never a 402, which would invite a second one. */
export const notFoundYet: Refusal = {
  status: 503,
  code: 'transfer_not_found_yet',
  detail: 'The chain does not know this transaction yet.',
  hint: 'Do not pay again. Repeat the very same request after the seconds in Retry-After.',
  retryAfter: 2,
};

export const unconfirmed = (confirmations: number, needed: number): Refusal => ({
  status: 503,
  code: 'transfer_unconfirmed',
  detail: `The transfer has ${confirmations} of ${needed} confirmations.`,
  hint: 'Do not pay again. Repeat the very same request after the seconds in Retry-After.',
  retryAfter: 2,
  members: { confirmations, needed },
});

export const chainSilent: Refusal = {
  status: 503,
  code: 'chain_unavailable',
  detail: 'The chain does not answer, so the transfer cannot be looked up.',
  hint: 'Do not pay again. Repeat the very same request after the seconds in Retry-After.',
  retryAfter: 5,
};

/** A reorganisation took it from where it was read: whether somebody was given it is known when it was read again. */
export const beingRead: Refusal = {
  status: 503,
  code: 'transfer_being_read',
  detail: 'The chain was reorganised, and this transfer is being read again.',
  hint: 'Do not pay again. Repeat the very same request after the seconds in Retry-After.',
  retryAfter: 30,
};

/** The wallet's credit was taken by a debt, or spent elsewhere between two attempts. */
export const creditSpent: Refusal = {
  status: 409,
  code: 'transfer_credit_spent',
  detail: 'The transfer became wallet credit, and the credit has been spent since.',
  hint: 'Send a new transfer for this request.',
};
