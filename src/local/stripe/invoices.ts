import type Stripe from 'stripe';
import { idOf, newId } from './ids';
import { type ListPage, listPage, wholeList } from './list-page';
import { type Call, type Route } from './route';
import { NOBODY, type Simulation } from './simulation';
import { noSuch } from './stripe-fault';
import { type WireInvoice, type WireInvoiceLine, type WireLineItem } from './tables';

/** https://docs.stripe.com/api/invoices: made by Checkout with `invoice_creation`, paid from the start */
export const invoiceRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/invoices', handle: list },
  { method: 'GET', path: '/v1/invoices/:id', handle: retrieve },
];

/**
 * The invoice of a paid session, announced. https://docs.stripe.com/payments/checkout/receipts#paid-invoices
 */
export function invoiceSession(sim: Simulation, session: Stripe.Checkout.Session, items: WireLineItem[]): WireInvoice {
  const now = sim.now();
  const id = newId('in');
  const number = `SIM-${String(sim.store.all('invoices').length + 1).padStart(4, '0')}`;
  const details = session.customer_details;
  const total = session.amount_total ?? 0;
  const tax = session.total_details?.amount_tax ?? 0;
  const url = `${sim.url}/invoices/${id}`;
  const invoice: WireInvoice = {
    ...emptyInvoice(),
    ...{ id, amount_due: total, amount_paid: total, number, period_end: now, period_start: now },
    automatic_tax: { ...session.automatic_tax, disabled_reason: null },
    created: now,
    currency: session.currency ?? 'usd',
    customer: idOf(session.customer),
    customer_address: details?.address ?? null,
    customer_email: details?.email ?? null,
    customer_name: details?.name ?? null,
    customer_phone: details?.phone ?? null,
    customer_tax_exempt: details?.tax_exempt ?? null,
    customer_tax_ids: details?.tax_ids ?? [],
    effective_at: now,
    hosted_invoice_url: url,
    invoice_pdf: `${url}/pdf`,
    lines: lines(id, items, now),
    status: 'paid',
    status_transitions: { finalized_at: now, marked_uncollectible_at: null, paid_at: now, voided_at: null },
    subtotal: session.amount_subtotal ?? total,
    subtotal_excluding_tax: total - tax,
    total,
    total_excluding_tax: total - tax,
  };
  sim.store.put('invoices', invoice);
  for (const type of ['invoice.created', 'invoice.finalized', 'invoice.paid', 'invoice.payment_succeeded'] as const) {
    sim.emit(NOBODY, type, invoice);
  }
  return invoice;
}

export function requireInvoice(sim: Simulation, id: string): WireInvoice {
  const invoice = sim.store.get('invoices', id);
  if (invoice === undefined) throw noSuch('invoice', id, 'id', 404);
  return invoice;
}

/** What an invoice of a session never has. */
function emptyInvoice() {
  return {
    object: 'invoice',
    ...{ account_country: 'US', account_name: 'Stripe simulator', account_tax_ids: null, amount_overpaid: 0 },
    ...{ amount_remaining: 0, amount_shipping: 0, application: null, attempt_count: 0, attempted: true },
    ...{ auto_advance: false, automatically_finalizes_at: null, billing_reason: 'manual' },
    ...{ collection_method: 'charge_automatically', custom_fields: null, customer_account: null },
    ...{ customer_shipping: null, default_payment_method: null, default_source: null, default_tax_rates: [] },
    ...{ description: null, discounts: [], due_date: null, ending_balance: 0, footer: null, from_invoice: null },
    ...{ issuer: { type: 'self' }, last_finalization_error: null, latest_revision: null, livemode: false },
    ...{ metadata: {}, next_payment_attempt: null, on_behalf_of: null, parent: null },
    payment_settings: { default_mandate: null, payment_method_options: null, payment_method_types: null },
    ...{ post_payment_credit_notes_amount: 0, pre_payment_credit_notes_amount: 0, receipt_number: null },
    ...{ rendering: null, shipping_cost: null, shipping_details: null, starting_balance: 0 },
    ...{ statement_descriptor: null, test_clock: null, total_discount_amounts: [], total_pretax_credit_amounts: [] },
    ...{ total_taxes: [], webhooks_delivered_at: null },
  } satisfies Partial<Stripe.Invoice>;
}

function lines(invoice: string, items: WireLineItem[], now: number): ListPage<WireInvoiceLine> {
  const rows = items.map((item): WireInvoiceLine => ({
    id: newId('il'),
    object: 'line_item',
    amount: item.amount_subtotal,
    ...{ currency: item.currency, description: item.description, discount_amounts: [], discountable: true },
    ...{ discounts: [], invoice, livemode: false, metadata: {}, parent: null, period: { end: now, start: now } },
    ...{ pretax_credit_amounts: [], pricing: null, quantity: item.quantity, quantity_decimal: null },
    ...{ subscription: null, subtotal: item.amount_subtotal, taxes: [] },
  }));
  return wholeList(`/v1/invoices/${invoice}/lines`, rows);
}

function retrieve({ sim, params, id }: Call): WireInvoice {
  params.only();
  return requireInvoice(sim, id);
}

function list(call: Call): object {
  const wanted = (['customer', 'status'] as const).map((field) => [field, call.params.optional(field)] as const);
  const rows = call.sim.store
    .all('invoices')
    .filter((row) => wanted.every(([field, value]) => !value || row[field] === value));
  return listPage(call, rows, ['created', 'customer', 'status']);
}
