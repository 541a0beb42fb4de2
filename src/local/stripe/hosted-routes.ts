import { type FastifyInstance, type FastifyReply } from 'fastify';
import { parseBracketForm } from './bracket-form';
import { type Payment, authenticateSession, payLater, paySession, successUrl } from './checkout-payment';
import { type Billing } from './checkout-billing';
import { requireSavedCard, savedCards } from './checkout-customer';
import { requireCharge } from './charges';
import { requireSession } from './checkout-sessions';
import { sessionLineItems } from './checkout-line-items';
import { type TypedCard, authenticationPage, notice, payPage } from './hosted-page';
import { showMoney } from './html';
import { idOf } from './ids';
import { answerBank, questionOf, requireAnyIntent, returnUrlOf } from './intent-authentication';
import { Params } from './params';
import { requireInvoice } from './invoices';
import { type CardInput, newCard } from './card';
import { type Simulation } from './simulation';
import { StripeFault } from './stripe-fault';
import type Stripe from 'stripe';

type WithId = { Params: { id: string } };

/** The pages people see: the session's `url`, and the bank's 3-D Secure question. */
export function serveHostedPages(app: FastifyInstance, sim: Simulation): void {
  app.get<WithId>('/c/pay/:id', (request, reply) => show(sim, reply, request.params.id));
  app.post<WithId>('/c/pay/:id/pay', (request, reply) => {
    const form = new Params(parseBracketForm(textOf(request.body)));
    const typed = { number: form.optional('number') ?? '', expiry: form.optional('expiry') ?? '' };
    const chosen = form.optional('payment_method');
    const pay = (session: Stripe.Checkout.Session): Payment => {
      const method = chosen
        ? requireSavedCard(sim, session, chosen)
        : newCard(sim, readTyped(typed, form.optional('cvc') ?? ''));
      return paySession(sim, session, method, form.has('save'), readBilling(form));
    };
    return act(sim, reply, request.params.id, pay, typed);
  });
  app.post<WithId>('/c/pay/:id/pay_later', (request, reply) =>
    act(sim, reply, request.params.id, (session) => payLater(sim, session)),
  );
  app.get<WithId>('/c/pay/:id/authenticate', (request, reply) => {
    const session = requireSession(sim, request.params.id);
    if (session.status !== 'open') return show(sim, reply, session.id);
    const id = idOf(session.payment_intent) ?? idOf(session.setup_intent) ?? '';
    return html(reply, authenticationPage(`/c/pay/${session.id}/authenticate`, questionOf(requireAnyIntent(sim, id))));
  });
  app.post<WithId>('/c/pay/:id/authenticate', (request, reply) =>
    act(sim, reply, request.params.id, (session) => authenticateSession(sim, session, passed(request.body))),
  );
  serveIntentAuthentication(app, sim);
  app.get<WithId>('/invoices/:id', (request, reply) => {
    const { total, currency, number, customer_name: name } = requireInvoice(sim, request.params.id);
    const text = `${showMoney(total, currency)} paid${name ? ` by ${name}` : ''}.`;
    return html(reply, notice(`Invoice ${number}`, text));
  });
  app.get<WithId>('/receipts/:id', (request, reply) => {
    const { amount, amount_refunded: back, currency, created, description } = requireCharge(sim, request.params.id);
    const day = new Date(created * 1000).toISOString().slice(0, 10);
    const refunded = back > 0 ? ` ${showMoney(back, currency)} of it went back.` : '';
    const text = `${showMoney(amount, currency)} paid on ${day} for ${description ?? 'your purchase'}.${refunded}`;
    return html(reply, notice('Receipt', text));
  });
}

/** `next_action.redirect_to_url` of an intent that was confirmed through the API. */
function serveIntentAuthentication(app: FastifyInstance, sim: Simulation): void {
  app.get<WithId>('/3ds/:id', (request, reply) => {
    const intent = requireAnyIntent(sim, request.params.id);
    if (intent.status !== 'requires_action')
      return html(reply, notice('Nothing to confirm', `This payment is ${intent.status}.`));
    return html(reply, authenticationPage(`/3ds/${intent.id}`, questionOf(intent)));
  });
  app.post<WithId>('/3ds/:id', (request, reply) => {
    const intent = requireAnyIntent(sim, request.params.id);
    const asked = intent.next_action?.redirect_to_url?.return_url;
    if (intent.status === 'requires_action') answerBank(sim, intent, passed(request.body));
    const back = returnUrlOf(intent, asked);
    if (back === undefined) return html(reply, notice('Thank you', 'You may close this page.'));
    return reply.redirect(back, 303);
  });
}

/** Does what the person asked and sends them on; a decline shows the page again with the reason. */
function act(
  sim: Simulation,
  reply: FastifyReply,
  id: string,
  pay: (session: Stripe.Checkout.Session) => Payment,
  typed?: TypedCard,
): FastifyReply {
  const session = requireSession(sim, id);
  if (session.status !== 'open') return show(sim, reply, id);
  try {
    const payment = pay(session);
    if (payment.kind === 'complete') return reply.redirect(successUrl(session), 303);
    if (payment.kind === 'requires_action') return reply.redirect(`/c/pay/${id}/authenticate`, 303);
    return show(sim, reply, id, payment.message, typed);
  } catch (error) {
    if (error instanceof StripeFault) return show(sim, reply, id, error.message, typed);
    throw error;
  }
}

function show(sim: Simulation, reply: FastifyReply, id: string, error = '', typed?: TypedCard): FastifyReply {
  const session = requireSession(sim, id);
  if (session.status === 'complete') return reply.redirect(successUrl(session), 303);
  if (session.status === 'expired') {
    const text = 'This checkout session has expired. Go back to where you came from and start again.';
    return html(reply.code(410), notice('This page has expired', text));
  }
  const items = sessionLineItems(sim, id).data;
  return html(reply, payPage(session, { items, saved: savedCards(sim, session), error, typed }));
}

function readBilling(form: Params): Billing {
  const [name, country, state, postalCode, value] = ['name', 'country', 'state', 'postal_code', 'tax_id'].map(
    (field) => form.optional(field)?.trim() || undefined,
  );
  return {
    name,
    country: country?.toUpperCase(),
    state,
    postalCode,
    taxId: value ? { type: 'eu_vat', value } : undefined,
  };
}

/** `MM / YY` or `MM/YYYY`, and a number with or without spaces. */
function readTyped({ number, expiry }: TypedCard, cvc: string): CardInput {
  const [, month = '0', year = '0'] = /^\s*(\d{1,2})\s*\/?\s*(\d{2}|\d{4})\s*$/.exec(expiry) ?? [];
  const expYear = Number(year) < 100 ? 2000 + Number(year) : Number(year);
  return { number: number.replaceAll(/[ -]/g, ''), expMonth: Number(month), expYear, cvc };
}

function passed(body: unknown): boolean {
  return parseBracketForm(textOf(body)).get('outcome') === 'passed';
}

function textOf(body: unknown): string {
  return typeof body === 'string' ? body : '';
}

function html(reply: FastifyReply, page: string): FastifyReply {
  return reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(page);
}
