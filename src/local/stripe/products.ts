import type Stripe from 'stripe';
import { newId } from './ids';
import { listPage } from './list-page';
import { type Params } from './params';
import { type Call, type Route } from './route';
import { type Caller, type Simulation } from './simulation';
import { noSuch } from './stripe-fault';

const FIELDS = [
  'active',
  'description',
  'images',
  'metadata',
  'name',
  'statement_descriptor',
  'tax_code',
  'unit_label',
  'url',
];

/** https://docs.stripe.com/api/products */
export const productRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/products',
    handle: ({ sim, params, caller }) => createProduct(sim, params.only('id', ...FIELDS), caller),
  },
  { method: 'GET', path: '/v1/products', handle: list },
  {
    method: 'GET',
    path: '/v1/products/:id',
    handle: ({ sim, params, id }) => (params.only(), requireProduct(sim, id, 'id', 404)),
  },
  { method: 'POST', path: '/v1/products/:id', handle: update },
];

export function requireProduct(
  sim: Simulation,
  id: string,
  param = 'product',
  status: 400 | 404 = 400,
): Stripe.Product {
  const product = sim.store.get('products', id);
  if (product === undefined) throw noSuch('product', id, param, status);
  return product;
}

export function createProduct(sim: Simulation, params: Params, caller: Caller): Stripe.Product {
  const now = sim.now();
  const product: Stripe.Product = {
    id: params.optional('id') ?? newId('prod', 14),
    object: 'product',
    active: true,
    created: now,
    default_price: null,
    description: null,
    images: [],
    livemode: false,
    marketing_features: [],
    metadata: {},
    name: params.string('name'),
    package_dimensions: null,
    shippable: null,
    statement_descriptor: null,
    tax_code: null,
    tax_details: null,
    type: 'service',
    unit_label: null,
    updated: now,
    url: null,
  };
  apply(product, params);
  sim.store.put('products', product);
  sim.emit(caller, 'product.created', product);
  return product;
}

function update({ sim, params, id, caller }: Call): Stripe.Product {
  const product = structuredClone(requireProduct(sim, id, 'id', 404));
  apply(product, params.only(...FIELDS));
  product.updated = sim.now();
  sim.store.put('products', product);
  sim.emit(caller, 'product.updated', product);
  return product;
}

function apply(product: Stripe.Product, params: Params): void {
  product.active = params.boolean('active') ?? product.active;
  product.name = params.optional('name') ?? product.name;
  for (const field of ['description', 'statement_descriptor', 'tax_code', 'unit_label', 'url'] as const) {
    const value = params.optional(field);
    if (value !== undefined) product[field] = value;
  }
  if (params.has('images')) product.images = params.strings('images');
  if (params.has('metadata')) product.metadata = params.metadata(product.metadata);
}

function list(call: Call): object {
  const active = call.params.boolean('active');
  const ids = call.params.strings('ids');
  const rows = call.sim.store
    .all('products')
    .filter((row) => (active === undefined || row.active === active) && (ids.length === 0 || ids.includes(row.id)));
  return listPage(call, rows, ['active', 'created', 'ids']);
}
