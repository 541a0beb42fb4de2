import type Stripe from 'stripe';

/** The error body of the API: https://docs.stripe.com/api/errors */
export interface StripeErrorBody {
  type: 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';
  message: string;
  code?: string;
  param?: string;
  decline_code?: string;
  advice_code?: string;
  charge?: string;
  payment_intent?: Stripe.PaymentIntent;
  payment_method?: Stripe.PaymentMethod;
  setup_intent?: Stripe.SetupIntent;
  doc_url?: string;
  request_log_url?: string;
}

/**
 * A refusal as Stripe's API would word it. `status` is the HTTP status.
 *
 * `beforeExecution` marks what Stripe finds before an endpoint starts to run (authentication, parameters, a busy
 * idempotency key): such answers are not kept under the idempotency key, all others are.
 * https://docs.stripe.com/api/idempotent_requests
 */
export class StripeFault extends Error {
  constructor(
    readonly status: number,
    readonly body: StripeErrorBody,
    readonly beforeExecution = false,
  ) {
    super(body.message);
    this.name = 'StripeFault';
    if (body.code !== undefined) {
      body.doc_url ??= `https://docs.stripe.com/error-codes/${body.code.replaceAll('_', '-')}`;
    }
  }
}

/** A parameter is wrong: 400, found before the endpoint runs. */
export function badParameter(code: string, message: string, param?: string): StripeFault {
  const body: StripeErrorBody = { type: 'invalid_request_error', code, message };
  if (param !== undefined) body.param = param;
  return new StripeFault(400, body, true);
}

/** The object does not allow this now (already paid, canceled, expired): 400, kept under the idempotency key. */
export function badState(code: string | undefined, message: string): StripeFault {
  const body: StripeErrorBody = { type: 'invalid_request_error', message };
  if (code !== undefined) body.code = code;
  return new StripeFault(400, body);
}

/** `status` is 404 when the id stands in the path and 400 when it came as a parameter. */
export function noSuch(object: string, id: string, param: string, status: 400 | 404 = 400): StripeFault {
  return new StripeFault(status, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${object}: '${id}'`,
    param,
  });
}

export function unrecognizedUrl(method: string, path: string): StripeFault {
  const message = `Unrecognized request URL (${method}: ${path}). The simulator may not cover it: see its README.`;
  return new StripeFault(404, { type: 'invalid_request_error', message }, true);
}

/** 401 in Stripe's words; only the key's ends are repeated. https://docs.stripe.com/api/authentication */
export function unauthorized(key: string | undefined): StripeFault {
  const message =
    key === undefined
      ? "You did not provide an API key. Use 'Authorization: Bearer YOUR_SECRET_KEY'."
      : `Invalid API Key provided: ${key.slice(0, 8)}****${key.slice(-4)}`;
  return new StripeFault(401, { type: 'invalid_request_error', message }, true);
}
