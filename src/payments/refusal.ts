import type { PaymentRequirements } from './payment-requirements';

/**
 * Why a payment was not accepted: an expected outcome, so a value. `code` is stable snake_case; where x402 has
 * a reason of its own (specification v2, section 9; `@x402/evm` error constants) the code is that reason.
 */
export interface Refusal {
  /** With 402 and 412 goes every way to pay: 412 is a payment that is good once its payer has done something first. */
  readonly status: 400 | 401 | 402 | 403 | 409 | 412 | 501 | 503;
  readonly code: string;
  readonly detail: string;
  readonly hint?: string;
  /** Seconds after which a repeat of the very same request can succeed. */
  readonly retryAfter?: number;
  readonly members?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** How the rows of a 402 differ for this payer, such as by its channel's state. */
  readonly accepts?: (rows: readonly PaymentRequirements[]) => readonly PaymentRequirements[];
}

/** A header that cannot be read: 400, because paying again would not help. */
export const malformedPayment = (header: string, detail: string): Refusal => ({
  status: 400,
  code: 'invalid_payload',
  detail: `The ${header} header cannot be read: ${detail}.`,
  hint: 'It must be base64 of the JSON that the x402 specification describes.',
});

/** A scheme that nobody here takes, or not in this way. */
export const unsupportedScheme: Refusal = {
  status: 402,
  code: 'unsupported_scheme',
  detail: 'The scheme of this payment is not offered here.',
  hint: 'Nothing was taken. Pay what PAYMENT-REQUIRED asks for.',
};

/** The key or payment was used before, for something else. */
export const alreadyUsed = (code: string): Refusal => ({
  status: 402,
  code,
  detail: 'This payment was already used for another request.',
  hint: 'Sign a new payment with a fresh nonce for this request.',
});

export const idempotencyConflict: Refusal = {
  status: 409,
  code: 'idempotency_conflict',
  detail: 'This Idempotency-Key was used before with another request.',
  hint: 'Use a new key for a new request; repeat the first request exactly to get its answer again.',
};

export const inProgress: Refusal = {
  status: 409,
  code: 'payment_in_progress',
  detail: 'The same payment is being worked on right now.',
  hint: 'Repeat the very same request: it will get the first answer.',
  retryAfter: 2,
};

/** The answer was delivered once, and was too large or is too old to be kept. */
export const answerNotKept: Refusal = {
  status: 409,
  code: 'answer_not_kept',
  detail: 'This request was already answered, and the answer is not kept any more.',
  hint: "It was charged once. Its invoice is in the first answer's x-tollbridge-invoice header.",
};

/**
 * A settlement whose outcome is not known yet: never a 402, which would invite a second payment. With the newest
 * transaction that carries it, where one was written down.
 */
export const inDoubt = (transaction: string | undefined): Refusal => ({
  status: 503,
  code: 'settlement_in_doubt',
  detail: 'The payment was sent to the chain and its outcome is not known yet. It is being followed.',
  hint: 'Do not pay again. Repeat the very same request after the seconds in Retry-After.',
  retryAfter: 5,
  members: transaction === undefined ? {} : { transaction },
});

/** Nothing is known against the payment: paying again would not help, waiting does. */
export const chainUnavailable: Refusal = {
  status: 503,
  code: 'chain_unavailable',
  detail: 'Payments in USDC cannot be verified right now: the chain does not answer.',
  hint: 'Nothing was taken. Repeat the request after the seconds in Retry-After, or pay with an API key.',
  retryAfter: 5,
};

/** A call of this wallet was delivered and its money never came. */
export const paymentOwed: Refusal = {
  status: 402,
  code: 'payment_owed',
  detail: 'An earlier call of this wallet was answered and could not be settled: the wallet owes it.',
  hint: 'Top up the wallet with POST /v1/topups/usdc: what is owed is repaid first, then calls work again.',
};

/** The payer's payments that are not settled yet are as much as may be outstanding. */
export const payerExposed: Refusal = {
  status: 402,
  code: 'payer_exposed',
  detail: 'The payments of this wallet that are not settled yet add up to as much as it may have outstanding.',
  hint: 'Nothing was taken. Repeat the request when the calls in flight have finished.',
  retryAfter: 2,
};
