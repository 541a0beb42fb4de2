import type Stripe from 'stripe';
import { newId } from './ids';
import { listPage } from './list-page';
import { type Params } from './params';
import { type Call, type Route } from './route';
import { API_VERSION, type Simulation } from './simulation';
import { badParameter, noSuch } from './stripe-fault';

/** https://docs.stripe.com/api/webhook_endpoints; `secret` is shown once, in the answer to the create call */
export const webhookEndpointRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/webhook_endpoints', handle: create },
  { method: 'GET', path: '/v1/webhook_endpoints', handle: list },
  {
    method: 'GET',
    path: '/v1/webhook_endpoints/:id',
    handle: ({ sim, params, id }) => (params.only(), shown(requireEndpoint(sim, id))),
  },
  { method: 'POST', path: '/v1/webhook_endpoints/:id', handle: update },
  { method: 'DELETE', path: '/v1/webhook_endpoints/:id', handle: remove },
];

/** An enabled endpoint; `id` and `secret` are made up unless given. */
export function newWebhookEndpoint(
  sim: Simulation,
  fields: { id?: string; url: string; secret?: string; enabled_events: string[] },
): Stripe.WebhookEndpoint {
  return sim.store.put('webhook_endpoints', {
    id: fields.id ?? newId('we'),
    object: 'webhook_endpoint',
    api_version: API_VERSION,
    application: null,
    created: sim.now(),
    description: null,
    enabled_events: fields.enabled_events,
    livemode: false,
    metadata: {},
    secret: fields.secret ?? newId('whsec', 32),
    status: 'enabled',
    url: fields.url,
  });
}

function create({ sim, params }: Call): Stripe.WebhookEndpoint {
  params.only('api_version', 'connect', 'description', 'enabled_events', 'metadata', 'url');
  const url = readUrl(params);
  const enabled_events = params.strings('enabled_events');
  if (enabled_events.length === 0) {
    throw badParameter('parameter_missing', 'Missing required param: enabled_events.', 'enabled_events');
  }
  const endpoint = newWebhookEndpoint(sim, { url, enabled_events });
  endpoint.description = params.optional('description') ?? null;
  endpoint.api_version = params.optional('api_version') ?? API_VERSION;
  endpoint.metadata = params.metadata();
  return sim.store.put('webhook_endpoints', endpoint);
}

function update({ sim, params, id }: Call): object {
  params.only('description', 'disabled', 'enabled_events', 'metadata', 'url');
  const endpoint = requireEndpoint(sim, id);
  if (params.has('url')) endpoint.url = readUrl(params);
  if (params.has('enabled_events')) endpoint.enabled_events = params.strings('enabled_events');
  if (params.has('metadata')) endpoint.metadata = params.metadata(endpoint.metadata);
  const description = params.optional('description');
  if (description !== undefined) endpoint.description = description;
  const disabled = params.boolean('disabled');
  if (disabled !== undefined) endpoint.status = disabled ? 'disabled' : 'enabled';
  return shown(sim.store.put('webhook_endpoints', endpoint));
}

function remove({ sim, params, id }: Call): Stripe.DeletedWebhookEndpoint {
  params.only();
  sim.store.remove('webhook_endpoints', requireEndpoint(sim, id).id);
  return { id, object: 'webhook_endpoint', deleted: true };
}

function list(call: Call): object {
  const page = listPage(call, call.sim.store.all('webhook_endpoints'));
  return { ...page, data: page.data.map(shown) };
}

export function requireEndpoint(sim: Simulation, id: string): Stripe.WebhookEndpoint {
  const endpoint = sim.store.get('webhook_endpoints', id);
  if (endpoint === undefined) throw noSuch('webhook endpoint', id, 'id', 404);
  return endpoint;
}

function shown({ secret: _secret, ...rest }: Stripe.WebhookEndpoint): object {
  return rest;
}

function readUrl(params: Params): string {
  const url = params.string('url');
  if (!/^https?:\/\/[^/\s]+/.test(url)) {
    throw badParameter('url_invalid', 'Invalid URL: An explicit scheme (such as https) must be provided.', 'url');
  }
  return url;
}
