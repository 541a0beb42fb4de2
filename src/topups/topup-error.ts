import { BillingError, InvalidRequestError } from '../common/billing-error';
import { formatAtoms } from '../common/money';

/** A top-up outside of what the operator allows: 400 with the bounds in cents. */
export class AmountOutOfRangeError extends InvalidRequestError {
  constructor(cents: number, { minCents, maxCents }: { minCents: number; maxCents: number }) {
    const [least, most] = [minCents, maxCents].map((bound) => formatAtoms(BigInt(bound), 2));
    super({
      code: 'amount_out_of_range',
      detail: `A top-up of ${cents} cents is not possible.`,
      hint: `Choose amountCents from ${minCents} to ${maxCents}: $${least} to $${most}.`,
      members: { minCents, maxCents },
    });
  }
}

/** A currency that the operator does not take: 400 with those it does. */
export class CurrencyNotTakenError extends InvalidRequestError {
  constructor(named: string, taken: readonly string[]) {
    super({
      code: 'currency_not_taken',
      detail: `Top-ups cannot be paid in "${named}" here.`,
      hint: `Choose one of ${taken.join(', ')}.`,
      members: { currencies: taken },
    });
  }
}

/** The operator has not connected Stripe: 501. */
export class CardTopUpsUnavailableError extends BillingError {
  constructor() {
    super({
      code: 'card_top_ups_unavailable',
      status: 501,
      title: 'No top-ups by card',
      detail: 'This server does not take cards.',
      hint: 'Pay calls in USDC. For the operator: set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET.',
    });
  }
}

/**
 * Stripe could not be reached or is busy (503: come back), or refused what we sent (502: our mistake or our
 * settings). What Stripe said goes to the log, never to the caller.
 */
export class CardProcessorError extends BillingError {
  constructor(kind: 'unreachable' | 'refused', cause: unknown) {
    super({
      code: 'card_processor_unavailable',
      status: kind === 'unreachable' ? 503 : 502,
      title: 'The card processor is not available',
      detail: `The card processor ${kind === 'unreachable' ? 'cannot be reached' : 'refused'}. Nothing was charged.`,
      hint: kind === 'unreachable' ? 'Try again in a few seconds.' : 'Try again later, or tell the operator.',
      ...(kind === 'unreachable' ? { headers: { 'retry-after': '5' } } : {}),
      cause,
    });
  }
}

/** A webhook that Stripe did not sign with our secret, or not within five minutes of now: 400. */
export class WebhookSignatureError extends InvalidRequestError {
  constructor(fault: 'webhook_signature_invalid' | 'webhook_timestamp_out_of_range') {
    super({
      code: fault,
      detail:
        fault === 'webhook_signature_invalid'
          ? 'The request does not carry a valid Stripe-Signature.'
          : 'The signature is too old, or from the future.',
      hint:
        fault === 'webhook_signature_invalid'
          ? 'Set STRIPE_WEBHOOK_SECRET to the signing secret of this endpoint, and pass the body on unchanged.'
          : 'Check the clock of this server.',
    });
  }
}

/** Stripe signed it, but it is not of the shape that the pinned API version promises: 500, so that Stripe repeats it. */
export class WebhookUnreadableError extends BillingError {
  constructor(eventId: string, type: string, field: string) {
    super({
      code: 'webhook_unreadable',
      status: 500,
      title: 'The event cannot be read',
      detail: `Event ${eventId} (${type}) has no readable ${field}.`,
      hint: 'Pin the API version of the webhook endpoint to the one of the stripe package.',
    });
  }
}
