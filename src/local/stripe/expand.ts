import { sessionLineItems } from './checkout-line-items';
import { refundsOf } from './refunds';
import { type Simulation } from './simulation';
import { badParameter } from './stripe-fault';
import { type Store } from './store';
import { type TableName } from './tables';

/** https://docs.stripe.com/api/expanding_objects */
const MAX_DEPTH = 4;

/** Where the object behind an id is kept. A new resource adds its prefix here. */
const TABLE_OF_PREFIX: Record<string, TableName> = {
  cus: 'customers',
  prod: 'products',
  price: 'prices',
  cs: 'sessions',
  pi: 'payment_intents',
  pm: 'payment_methods',
  ch: 'charges',
  py: 'charges',
  seti: 'setup_intents',
  re: 'refunds',
  pyr: 'refunds',
  du: 'disputes',
  issfr: 'early_fraud_warnings',
  po: 'payouts',
  in: 'invoices',
  txn: 'balance_transactions',
};

/** The references that may be expanded, by the object that holds them. A new resource adds its own here. */
const EXPANDABLE: Record<string, readonly string[]> = {
  customer: ['invoice_settings.default_payment_method', 'test_clock'],
  product: ['default_price', 'tax_code'],
  price: ['product'],
  'checkout.session': ['customer', 'invoice', 'line_items', 'payment_intent', 'setup_intent', 'subscription'],
  payment_intent: ['application', 'customer', 'latest_charge', 'on_behalf_of', 'payment_method', 'review'],
  payment_method: ['customer'],
  setup_intent: ['application', 'customer', 'latest_attempt', 'mandate', 'on_behalf_of', 'payment_method'],
  charge: [
    'balance_transaction',
    'customer',
    'failure_balance_transaction',
    'payment_intent',
    'refunds',
    'review',
    'transfer',
  ],
  dispute: ['charge', 'payment_intent'],
  invoice: ['customer', 'default_payment_method'],
  payout: ['balance_transaction', 'destination', 'failure_balance_transaction', 'original_payout', 'reversed_by'],
  'radar.early_fraud_warning': ['charge', 'payment_intent'],
  refund: [
    'balance_transaction',
    'charge',
    'customer',
    'failure_balance_transaction',
    'payment_intent',
    'payment_method',
  ],
  balance_transaction: ['source'],
};

/** Lists that an object holds only when asked to. */
const INCLUDABLE: Record<string, (sim: Simulation, holder: string) => object> = {
  line_items: sessionLineItems,
  refunds: refundsOf,
};

type Json = Record<string, unknown>;

/**
 * The answer with the asked references replaced by their objects; the stored objects stay as they are.
 * Throws 400 for what cannot be expanded, in Stripe's words.
 */
export function expandAnswer(sim: Simulation, answer: object, paths: string[]): object {
  if (paths.length === 0) return answer;
  const copy = structuredClone(answer) as Json;
  for (const path of paths) {
    const parts = path.split('.');
    if (parts.filter((part) => part !== 'data').length > MAX_DEPTH) {
      throw badParameter(
        'parameter_invalid',
        `You cannot expand more than ${MAX_DEPTH} levels of a property: ${path}`,
        'expand',
      );
    }
    walk(sim, copy, parts, path);
  }
  return copy;
}

function walk(sim: Simulation, holder: Json, parts: string[], path: string): void {
  if (parts.length === 0) return;
  if (holder['object'] === 'list') {
    if (parts[0] !== 'data') throw notExpandable(path);
    for (const item of holder['data'] as Json[]) walk(sim, item, parts.slice(1), path);
    return;
  }
  const reference = (EXPANDABLE[String(holder['object'])] ?? []).find((name) =>
    `${parts.join('.')}.`.startsWith(`${name}.`),
  );
  if (reference === undefined) throw notExpandable(path);
  const steps = reference.split('.');
  const last = steps[steps.length - 1] as string;
  const owner = steps.slice(0, -1).reduce<Json>((inner, step) => (inner[step] ?? {}) as Json, holder);
  const found = INCLUDABLE[reference]?.(sim, String(holder['id'])) ?? lookUp(sim.store, owner[last]);
  if (found === undefined) return;
  owner[last] = found;
  walk(sim, found as Json, parts.slice(steps.length), path);
}

function lookUp(store: Store, value: unknown): object | undefined {
  if (typeof value === 'object' && value !== null) return value;
  if (typeof value !== 'string') return undefined;
  const table = TABLE_OF_PREFIX[value.slice(0, value.indexOf('_'))];
  const found = table === undefined ? undefined : store.get(table, value);
  return found === undefined ? undefined : structuredClone(found);
}

function notExpandable(path: string): Error {
  const message = `This property cannot be expanded (${path}).`;
  return badParameter('property_cannot_be_expanded', message, 'expand');
}
