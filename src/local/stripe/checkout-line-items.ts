import { idOf, newId } from './ids';
import { type ListPage, wholeList } from './list-page';
import { type Params } from './params';
import { createPrice, requirePrice } from './prices';
import { type Caller, type Simulation } from './simulation';
import { badParameter } from './stripe-fault';
import { type WireLineItem, type WirePrice } from './tables';

const ITEM = ['adjustable_quantity', 'metadata', 'price', 'price_data', 'quantity', 'tax_rates'];
const PRICE_DATA = ['currency', 'product', 'product_data', 'tax_behavior', 'unit_amount'];

/**
 * The `line_items` of a session's create call. Items with `price_data` make an inactive price and product, as at
 * Stripe. Throws 400 when there are none, or when they do not share one currency.
 */
export function readLineItems(sim: Simulation, params: Params, caller: Caller): WireLineItem[] {
  const sent = params.hashes('line_items');
  if (sent.length === 0) {
    throw badParameter('parameter_missing', 'Missing required param: line_items.', 'line_items');
  }
  const items = sent.map((item) => readItem(sim, item.only(...ITEM), caller));
  const [first, ...rest] = items;
  if (rest.some(({ currency }) => currency !== first?.currency)) {
    throw badParameter(
      'parameter_invalid',
      'All prices on a Checkout Session must share the same currency.',
      'line_items',
    );
  }
  return items;
}

/** What `line_items` expands to and what the session's own list answers with. */
export function sessionLineItems(sim: Simulation, session: string): ListPage<WireLineItem> {
  const items = sim.store.get('session_plans', session)?.items ?? [];
  return wholeList(`/v1/checkout/sessions/${session}/line_items`, items);
}

function readItem(sim: Simulation, item: Params, caller: Caller): WireLineItem {
  const price = readPrice(sim, item, caller);
  const quantity = item.optionalInteger('quantity', 1);
  if (quantity === undefined) {
    throw badParameter('parameter_missing', `Missing required param: ${item.path('quantity')}.`, item.path('quantity'));
  }
  const amount = (price.unit_amount ?? 0) * quantity;
  return {
    id: newId('li'),
    object: 'item',
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: amount,
    amount_tax: 0,
    amount_total: amount,
    currency: price.currency,
    description: sim.store.get('products', idOf(price.product) ?? '')?.name ?? null,
    metadata: item.metadata(),
    price,
    quantity,
  };
}

function readPrice(sim: Simulation, item: Params, caller: Caller): WirePrice {
  const data = item.hash('price_data');
  if (data) return createPrice(sim, data.only(...PRICE_DATA), caller, false);
  const price = requirePrice(sim, item.string('price'), item.path('price'));
  if (price.active) return structuredClone(price);
  throw badParameter('parameter_invalid', `The price specified is inactive: ${price.id}.`, item.path('price'));
}
