import { createHmac } from 'node:crypto';
import { type Agent, request } from 'undici';

const ATTEMPT_TIMEOUT_MS = 10_000;

/** What the endpoint answered, or why there was no answer. */
export interface WebhookAnswer {
  status: number | null;
  error: string | null;
}

/** One attempt: the payload, signed now. Never rejects; redirects are not followed (Stripe counts them as failures). */
export async function postWebhook(
  dispatcher: Agent,
  url: string,
  secrets: readonly string[],
  payload: string,
): Promise<WebhookAnswer> {
  try {
    const response = await request(url, {
      method: 'POST',
      dispatcher,
      headersTimeout: ATTEMPT_TIMEOUT_MS,
      bodyTimeout: ATTEMPT_TIMEOUT_MS,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'user-agent': 'Stripe/1.0 (+https://stripe.com/docs/webhooks)',
        'stripe-signature': signature(payload, secrets, Math.floor(Date.now() / 1000)),
      },
      body: payload,
    });
    await response.body.dump();
    return { status: response.statusCode, error: null };
  } catch (error) {
    return { status: null, error: error instanceof Error ? error.message || error.name : String(error) };
  }
}

/** `Stripe-Signature`: HMAC-SHA256 of `<t>.<payload>` per secret. https://docs.stripe.com/webhooks/signature */
export function signature(payload: string, secrets: readonly string[], timestamp: number): string {
  const sign = (secret: string) => createHmac('sha256', secret).update(`${timestamp}.${payload}`).digest('hex');
  return [`t=${timestamp}`, ...secrets.map((secret) => `v1=${sign(secret)}`)].join(',');
}
