import type Stripe from 'stripe';
import { type FormHash } from './bracket-form';
import { newId } from './ids';
import { listPage } from './list-page';
import { type Params } from './params';
import { type Call, type Route } from './route';
import { type Simulation } from './simulation';
import { badParameter, noSuch } from './stripe-fault';

type Json = { [name: string]: string | Json };

/** https://docs.stripe.com/api/tax/registrations */
export const taxRegistrationRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/tax/registrations', handle: create },
  { method: 'GET', path: '/v1/tax/registrations', handle: list },
  {
    method: 'GET',
    path: '/v1/tax/registrations/:id',
    handle: ({ sim, params, id }) => (params.only(), current(sim, requireRegistration(sim, id))),
  },
  { method: 'POST', path: '/v1/tax/registrations/:id', handle: update },
];

/** Where tax is collected now: countries, `US-TX` for a state, `EU` for a registration with the one-stop shop. */
export function registeredPlaces(sim: Simulation): Set<string> {
  const places = new Set<string>();
  for (const registration of sim.store.all('tax_registrations')) {
    if (current(sim, registration).status !== 'active') continue;
    const { country, country_options: options } = registration;
    const own = (options as unknown as Record<string, { state?: string; type?: string }>)[country.toLowerCase()];
    places.add(country === 'US' ? `US-${own?.state ?? ''}` : country);
    if (own?.type === 'oss_union' || own?.type === 'oss_non_union') places.add('EU');
  }
  return places;
}

function create({ sim, params }: Call): Stripe.Tax.Registration {
  params.only('active_from', 'country', 'country_options', 'expires_at');
  const country = params.string('country').toUpperCase();
  const options = params.raw('country_options');
  if (!(options instanceof Map) || !options.has(country.toLowerCase())) {
    const param = `country_options[${country.toLowerCase()}]`;
    throw badParameter('parameter_missing', `Missing required param: ${param}.`, param);
  }
  const now = sim.now();
  const registration: Stripe.Tax.Registration = {
    id: newId('taxreg'),
    object: 'tax.registration',
    active_from: params.string('active_from') === 'now' ? now : params.integer('active_from', 0),
    country,
    country_options: toJson(options),
    created: now,
    expires_at: readTime(params, 'expires_at', now) ?? null,
    livemode: false,
    status: 'active',
  };
  return current(sim, sim.store.put('tax_registrations', registration));
}

function update({ sim, params, id }: Call): Stripe.Tax.Registration {
  params.only('active_from', 'expires_at');
  const registration = requireRegistration(sim, id);
  const now = sim.now();
  registration.active_from = readTime(params, 'active_from', now) ?? registration.active_from;
  const until = readTime(params, 'expires_at', now);
  if (until !== undefined) registration.expires_at = until;
  return current(sim, sim.store.put('tax_registrations', registration));
}

function list(call: Call): object {
  const status = call.params.oneOf('status', ['active', 'all', 'expired', 'scheduled'] as const) ?? 'all';
  const rows = call.sim.store
    .all('tax_registrations')
    .map((row) => current(call.sim, row))
    .filter((row) => status === 'all' || row.status === status);
  return listPage(call, rows, ['status']);
}

function requireRegistration(sim: Simulation, id: string): Stripe.Tax.Registration {
  const registration = sim.store.get('tax_registrations', id);
  if (registration === undefined) throw noSuch('tax registration', id, 'id', 404);
  return registration;
}

/** With the status that it has at this time. */
function current(sim: Simulation, registration: Stripe.Tax.Registration): Stripe.Tax.Registration {
  const now = sim.now();
  const { active_from: from, expires_at: until } = registration;
  const status = from > now ? 'scheduled' : until !== null && until <= now ? 'expired' : 'active';
  return { ...registration, status };
}

/** A time, or `now`; `null` when it was sent empty. */
function readTime(params: Params, name: string, now: number): number | null | undefined {
  const text = params.optional(name);
  return text === 'now' ? now : text === null ? null : params.optionalInteger(name, 0);
}

function toJson(hash: FormHash): Json {
  return Object.fromEntries([...hash].map(([key, value]) => [key, value instanceof Map ? toJson(value) : value]));
}
