import { newId } from './ids';
import { listPage } from './list-page';
import { type Params } from './params';
import { createProduct, requireProduct } from './products';
import { type Call, type Route } from './route';
import { type Caller, type Simulation } from './simulation';
import { badParameter, noSuch } from './stripe-fault';
import { type WirePrice } from './tables';

const BEHAVIORS = ['exclusive', 'inclusive', 'unspecified'] as const;
const CREATE = [
  'active',
  'currency',
  'lookup_key',
  'metadata',
  'nickname',
  'product',
  'product_data',
  'tax_behavior',
  'unit_amount',
];

/** https://docs.stripe.com/api/prices, one-time prices only */
export const priceRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/v1/prices',
    handle: ({ sim, params, caller }) => createPrice(sim, params.only(...CREATE), caller, true),
  },
  { method: 'GET', path: '/v1/prices', handle: list },
  {
    method: 'GET',
    path: '/v1/prices/:id',
    handle: ({ sim, params, id }) => (params.only(), requirePrice(sim, id, 'price', 404)),
  },
  { method: 'POST', path: '/v1/prices/:id', handle: update },
];

export function requirePrice(sim: Simulation, id: string, param = 'price', status: 400 | 404 = 400): WirePrice {
  const price = sim.store.get('prices', id);
  if (price === undefined) throw noSuch('price', id, param, status);
  return price;
}

/** A one-time price in the smallest unit of its currency. `active` is false for prices a `price_data` made. */
export function createPrice(sim: Simulation, params: Params, caller: Caller, active: boolean): WirePrice {
  const currency = params.string('currency').toLowerCase();
  if (!/^[a-z]{3}$/.test(currency)) {
    throw badParameter('parameter_invalid', `Invalid currency: ${currency}`, params.path('currency'));
  }
  const amount = params.integer('unit_amount', 0);
  const data = params.hash('product_data');
  const product = data
    ? createProduct(sim, data.only('description', 'images', 'metadata', 'name', 'tax_code', 'unit_label'), caller)
    : requireProduct(sim, params.string('product'), params.path('product'));
  const price: WirePrice = {
    id: newId('price'),
    object: 'price',
    active: params.boolean('active') ?? active,
    billing_scheme: 'per_unit',
    created: sim.now(),
    currency,
    custom_unit_amount: null,
    livemode: false,
    lookup_key: params.optional('lookup_key') ?? null,
    metadata: params.metadata(),
    nickname: params.optional('nickname') ?? null,
    product: product.id,
    recurring: null,
    tax_behavior: params.oneOf('tax_behavior', BEHAVIORS) ?? 'unspecified',
    tiers_mode: null,
    transform_quantity: null,
    type: 'one_time',
    unit_amount: amount,
    unit_amount_decimal: String(amount),
  };
  sim.store.put('prices', price);
  sim.emit(caller, 'price.created', price);
  return price;
}

function update({ sim, params, id, caller }: Call): WirePrice {
  params.only('active', 'lookup_key', 'metadata', 'nickname', 'tax_behavior');
  const price = structuredClone(requirePrice(sim, id, 'price', 404));
  price.active = params.boolean('active') ?? price.active;
  price.tax_behavior = params.oneOf('tax_behavior', BEHAVIORS) ?? price.tax_behavior;
  for (const field of ['lookup_key', 'nickname'] as const) {
    const value = params.optional(field);
    if (value !== undefined) price[field] = value;
  }
  if (params.has('metadata')) price.metadata = params.metadata(price.metadata);
  sim.store.put('prices', price);
  sim.emit(caller, 'price.updated', price);
  return price;
}

function list(call: Call): object {
  const active = call.params.boolean('active');
  const product = call.params.optional('product');
  const keys = call.params.strings('lookup_keys');
  const rows = call.sim.store
    .all('prices')
    .filter((row) => active === undefined || row.active === active)
    .filter((row) => !product || row.product === product)
    .filter((row) => keys.length === 0 || keys.includes(row.lookup_key ?? ''));
  return listPage(call, rows, ['active', 'created', 'lookup_keys', 'product']);
}
