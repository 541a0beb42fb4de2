import type Stripe from 'stripe';

/** stripe-node turns the wire's string into a `Decimal`; what is kept and sent is the string. */
export type WirePrice = Omit<Stripe.Price, 'unit_amount_decimal'> & { unit_amount_decimal: string | null };
/** The package makes quantities `Decimal`s, and lists pages that fetch further ones. */
export type WireInvoiceLine = Omit<Stripe.InvoiceLineItem, 'quantity_decimal'> & { quantity_decimal: string | null };
export type WireInvoice = Omit<Stripe.Invoice, 'lines' | 'payments'> & {
  lines: { object: 'list'; url: string; has_more: boolean; data: WireInvoiceLine[] };
};
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
  /** What of the page's answers a customer who existed before may learn; a new one learns all. */
  customer_update: { address: boolean; name: boolean };
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

/** The rolled secrets of a webhook endpoint, by its id, each good until its Unix time. */
export interface FormerSecrets {
  id: string;
  secrets: Array<{ secret: string; until: number }>;
}

/** One webhook's way to one endpoint: every attempt counts, the last one is described. */
export interface Delivery {
  id: string;
  event: string;
  type: string;
  endpoint: string;
  url: string;
  state: 'waiting' | 'delivered' | 'dropped' | 'given_up';
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

/** The balance transactions that an automatic payout pays out, by its id; its own is the last. */
export interface PayoutContents {
  id: string;
  transactions: string[];
  /** Those that the list leaves out though they were paid out. */
  hidden?: string[];
}

/** What a person sets in the dashboard, and what the country's fees and rates are. One row. */
export interface Account {
  id: 'account';
  /** Seconds by which this Stripe's clock is ahead of the machine's. */
  clockOffset: number;
  /** `daily`: what is available is paid out at midnight UTC. */
  payoutSchedule: 'daily' | 'manual';
  /** Charges in other currencies are converted to the first. */
  settlementCurrencies: string[];
  /** What one whole unit of a currency is worth in the first settlement currency; 1 for those that are not here. */
  rates: Record<string, string>;
  /** In the smallest unit of the settlement currency, at every chargeback. */
  disputeFee: number;
  /** The fee comes back with a won dispute. */
  disputeFeeReturned: boolean;
  /** A balance below zero is taken from the bank: https://docs.stripe.com/payouts#negative-payouts */
  debitNegativeBalances: boolean;
}

/** What happens by itself at its time; `time.ts` says how. */
export type Occasion =
  | 'after_charge'
  | 'daily_payout'
  | 'dispute_due'
  | 'dispute_verdict'
  | 'funds_available'
  | 'payout_arrives'
  | 'payout_reconciled'
  | 'payout_sent'
  | 'refund_fails'
  | 'refund_succeeds'
  | 'session_expires';

export interface Appointment {
  id: string;
  /** Unix time in seconds. */
  at: number;
  occasion: Occasion;
  /** The id of the object that it happens to. */
  object: string;
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
  tax_registrations: Stripe.Tax.Registration;
  tax_ids: Stripe.TaxId;
  invoices: WireInvoice;
  charges: Stripe.Charge;
  refunds: Stripe.Refund;
  disputes: Stripe.Dispute;
  early_fraud_warnings: Stripe.Radar.EarlyFraudWarning;
  payouts: Stripe.Payout;
  payout_contents: PayoutContents;
  account: Account;
  appointments: Appointment;
  test_clocks: Stripe.TestHelpers.TestClock;
  balance_transactions: Stripe.BalanceTransaction;
  events: Stripe.Event;
  webhook_endpoints: Stripe.WebhookEndpoint;
  former_secrets: FormerSecrets;
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
  'tax_registrations',
  'tax_ids',
  'invoices',
  'charges',
  'refunds',
  'disputes',
  'early_fraud_warnings',
  'payouts',
  'payout_contents',
  'account',
  'appointments',
  'test_clocks',
  'balance_transactions',
  'events',
  'webhook_endpoints',
  'former_secrets',
  'deliveries',
  'kept_answers',
];

export type Snapshot = { [K in TableName]?: Array<Tables[K]> };
