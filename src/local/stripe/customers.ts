import type Stripe from 'stripe';
import { newId } from './ids';
import { listPage } from './list-page';
import { Params } from './params';
import { type Call, type Route } from './route';
import { type Caller, type Simulation } from './simulation';
import { noSuch } from './stripe-fault';

const ADDRESS_FIELDS = ['city', 'country', 'line1', 'line2', 'postal_code', 'state'] as const;
const SETTABLE = [
  'address',
  'description',
  'email',
  'invoice_settings',
  'metadata',
  'name',
  'phone',
  'preferred_locales',
];
/** Taken as they come, without effect yet: cash balance, tax registration and shipping belong to later resources. */
const WITHOUT_EFFECT = ['balance', 'business_name', 'individual_name', 'invoice_prefix', 'shipping', 'tax'];

/** https://docs.stripe.com/api/customers */
export const customerRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/customers', handle: create },
  { method: 'GET', path: '/v1/customers', handle: list },
  {
    method: 'GET',
    path: '/v1/customers/:id',
    handle: ({ sim, id, params }) => (params.only(), sim.store.get('customers', id) ?? missing(id)),
  },
  { method: 'POST', path: '/v1/customers/:id', handle: update },
  { method: 'DELETE', path: '/v1/customers/:id', handle: remove },
];

/** The customer, when there is one that was not deleted; throws what Stripe answers for a wrong parameter. */
export function requireCustomer(
  sim: Simulation,
  id: string,
  param = 'customer',
  status: 400 | 404 = 400,
): Stripe.Customer {
  const customer = sim.store.get('customers', id);
  if (customer === undefined || customer.deleted === true) throw noSuch('customer', id, param, status);
  return customer;
}

/** A new customer, announced. `params` are those of the API's create call. */
export function createCustomer(sim: Simulation, params: Params, caller: Caller): Stripe.Customer {
  const customer: Stripe.Customer = {
    id: newId('cus', 14),
    object: 'customer',
    address: null,
    balance: 0,
    created: sim.now(),
    currency: null,
    customer_account: null,
    default_source: null,
    delinquent: false,
    description: null,
    discount: null,
    email: null,
    invoice_prefix: newId('x', 8).slice(2).toUpperCase(),
    invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
    livemode: false,
    metadata: {},
    name: null,
    next_invoice_sequence: 1,
    phone: null,
    preferred_locales: [],
    shipping: null,
    tax_exempt: 'none',
    test_clock: null,
  };
  apply(sim, customer, params);
  sim.store.put('customers', customer);
  sim.emit(caller, 'customer.created', customer);
  return customer;
}

function create({ sim, params, caller }: Call): Stripe.Customer {
  return createCustomer(sim, params.only(...SETTABLE, ...WITHOUT_EFFECT, 'tax_exempt'), caller);
}

function update({ sim, params, id, caller }: Call): Stripe.Customer {
  params.only(...SETTABLE, ...WITHOUT_EFFECT, 'tax_exempt');
  const customer = requireCustomer(sim, id, 'id', 404);
  const before = structuredClone(customer);
  const after = structuredClone(customer);
  apply(sim, after, params);
  const previous = changedFields(before, after);
  sim.store.put('customers', after);
  if (Object.keys(previous).length > 0) sim.emit(caller, 'customer.updated', after, previous);
  return after;
}

function remove({ sim, params, id, caller }: Call): Stripe.DeletedCustomer {
  params.only();
  const customer = requireCustomer(sim, id, 'id', 404);
  sim.emit(caller, 'customer.deleted', customer);
  // The id stays known: a retrieve answers with `deleted: true`, as Stripe does.
  const deleted: Stripe.DeletedCustomer = { id, object: 'customer', deleted: true };
  sim.store.put('customers', deleted);
  return deleted;
}

function list(call: Call): object {
  const email = call.params.optional('email');
  const rows = call.sim.store.all('customers').filter((row) => row.deleted !== true && (!email || row.email === email));
  return listPage(call, rows, ['created', 'email']);
}

function apply(sim: Simulation, customer: Stripe.Customer, params: Params): void {
  for (const field of ['description', 'email', 'name', 'phone'] as const) {
    const value = params.optional(field);
    if (value !== undefined) customer[field] = value;
  }
  const address = params.hash('address');
  if (address !== undefined) customer.address = address === null ? null : readAddress(address);
  if (params.has('metadata')) customer.metadata = params.metadata(customer.metadata);
  if (params.has('preferred_locales')) customer.preferred_locales = params.strings('preferred_locales');
  const exempt = params.oneOf('tax_exempt', ['exempt', 'none', 'reverse'] as const);
  if (exempt !== undefined) customer.tax_exempt = exempt;
  const settings = params
    .hash('invoice_settings')
    ?.only('custom_fields', 'default_payment_method', 'footer', 'rendering_options');
  const method = settings?.optional('default_payment_method');
  if (method === undefined) return;
  if (method !== null && sim.store.get('payment_methods', method)?.customer !== customer.id) {
    throw noSuch('payment_method', method, 'invoice_settings[default_payment_method]');
  }
  customer.invoice_settings.default_payment_method = method;
}

export function readAddress(params: Params): Stripe.Address {
  params.only(...ADDRESS_FIELDS);
  const entries = ADDRESS_FIELDS.map((field) => [field, params.optional(field) ?? null]);
  return Object.fromEntries(entries) as Stripe.Address;
}

/** The former values of the top-level fields that differ: an event's `previous_attributes`. */
export function changedFields(before: object, after: object): Record<string, unknown> {
  const now = new Map(Object.entries(after));
  const differing = Object.entries(before).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(now.get(key)),
  );
  return Object.fromEntries(differing);
}

function missing(id: string): never {
  throw noSuch('customer', id, 'id', 404);
}
