import type Stripe from 'stripe';
import { clockOf } from './account';
import { newId } from './ids';
import { type Store } from './store';

/** The secrets that sign for an endpoint now: the newest first, then those that were rolled and have not expired. */
export function secretsOf(store: Store, endpoint: Stripe.WebhookEndpoint): string[] {
  const now = clockOf(store);
  const former = store.get('former_secrets', endpoint.id)?.secrets ?? [];
  return [endpoint.secret ?? '', ...former.filter(({ until }) => until > now).map(({ secret }) => secret)];
}

/**
 * A new secret for the endpoint; the former one goes on signing beside it for `seconds` (at Stripe up to a day).
 * https://docs.stripe.com/webhooks#roll-endpoint-secrets
 */
export function rollSecret(store: Store, endpoint: Stripe.WebhookEndpoint, seconds: number): Stripe.WebhookEndpoint {
  const former = store.get('former_secrets', endpoint.id)?.secrets ?? [];
  const until = clockOf(store) + seconds;
  const secrets = [{ secret: endpoint.secret ?? '', until }, ...former];
  store.put('former_secrets', { id: endpoint.id, secrets });
  return store.put('webhook_endpoints', { ...endpoint, secret: newId('whsec', 32) });
}
