import type Stripe from 'stripe';

/** stripe-node turns the wire's string into a `Decimal`; what is kept and sent is the string. */
export type WirePrice = Omit<Stripe.Price, 'unit_amount_decimal'> & { unit_amount_decimal: string | null };
export type WireLineItem = Omit<Stripe.LineItem, 'price'> & { price: WirePrice };

/** What only the bank knows of a card: its number, and whether its holder agreed to payments without them. */
export interface CardSecret {
  id: string;
  number: string;
  setUp: boolean;
}

/** What a session was asked for but does not show: kept for the moment it is paid. */
export interface SessionPlan {
  id: string;
  items: WireLineItem[];
  /** Of mode `payment`, for the intent that the first attempt makes; a setup intent is there from the start. */
  intent: {
    description: string | null;
    metadata: Record<string, string>;
    receipt_email: string | null;
    setup_future_usage: 'off_session' | 'on_session' | null;
    statement_descriptor: string | null;
    statement_descriptor_suffix: string | null;
  };
}

/** One webhook's way to one endpoint: every attempt counts, the last one is described. */
export interface Delivery {
  id: string;
  event: string;
  type: string;
  endpoint: string;
  url: string;
  state: 'waiting' | 'delivered' | 'given_up';
  attempts: number;
  last_status: number | null;
  last_error: string | null;
  last_attempt_at: string | null;
}

/** A kept answer: https://docs.stripe.com/api/idempotent_requests */
export interface KeptAnswer {
  id: string;
  endpoint: string;
  fingerprint: string;
  created: number;
  request: string;
  status: number;
  body: string;
}

/** One line per resource; a table's objects are unexpanded, exactly as they go over the wire. */
export interface Tables {
  customers: Stripe.Customer | Stripe.DeletedCustomer;
  products: Stripe.Product;
  prices: WirePrice;
  sessions: Stripe.Checkout.Session;
  session_plans: SessionPlan;
  payment_intents: Stripe.PaymentIntent;
  payment_methods: Stripe.PaymentMethod;
  setup_intents: Stripe.SetupIntent;
  card_secrets: CardSecret;
  charges: Stripe.Charge;
  balance_transactions: Stripe.BalanceTransaction;
  events: Stripe.Event;
  webhook_endpoints: Stripe.WebhookEndpoint;
  deliveries: Delivery;
  kept_answers: KeptAnswer;
}
export type TableName = keyof Tables;

export const TABLE_NAMES: readonly TableName[] = [
  'customers',
  'products',
  'prices',
  'sessions',
  'session_plans',
  'payment_intents',
  'payment_methods',
  'setup_intents',
  'card_secrets',
  'charges',
  'balance_transactions',
  'events',
  'webhook_endpoints',
  'deliveries',
  'kept_answers',
];

export type Snapshot = { [K in TableName]?: Array<Tables[K]> };

/**
 * All state of the simulator, in memory. Tables keep insertion order, which is what Stripe's lists go by
 * (newest first): `created` has whole seconds and cannot order two objects of the same test.
 */
export class Store {
  private readonly tables = new Map<TableName, Map<string, Tables[TableName]>>();
  private changed: () => void = () => undefined;

  constructor(snapshot: Snapshot = {}) {
    for (const name of TABLE_NAMES) {
      const rows: Array<Tables[TableName]> = snapshot[name] ?? [];
      this.tables.set(name, new Map(rows.map((row) => [row.id, row])));
    }
  }

  /** Calls back after every change; one listener. */
  onChange(listener: () => void): void {
    this.changed = listener;
  }

  get<K extends TableName>(table: K, id: string): Tables[K] | undefined {
    return this.rows(table).get(id);
  }

  /** Inserts, or tells that a row was changed in place. */
  put<K extends TableName>(table: K, row: Tables[K]): Tables[K] {
    this.rows(table).set(row.id, row);
    this.changed();
    return row;
  }

  remove(table: TableName, id: string): void {
    this.rows(table).delete(id);
    this.changed();
  }

  /** Oldest first. */
  all<K extends TableName>(table: K): Array<Tables[K]> {
    return [...this.rows(table).values()];
  }

  /** Forgets the oldest rows while `old` holds for them. */
  dropOldest<K extends TableName>(table: K, old: (row: Tables[K]) => boolean): void {
    for (const row of this.rows(table).values()) {
      if (!old(row)) return;
      this.rows(table).delete(row.id);
    }
  }

  snapshot(): Snapshot {
    return Object.fromEntries(TABLE_NAMES.map((name) => [name, this.all(name)])) as Snapshot;
  }

  private rows<K extends TableName>(table: K): Map<string, Tables[K]> {
    // One map holds tables of different rows; the name is what tells which.
    return this.tables.get(table) as unknown as Map<string, Tables[K]>;
  }
}
