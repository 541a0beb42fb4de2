import type Stripe from 'stripe';
import { escapeHtml, page, showMoney } from './html';
import { asksFor } from './checkout-billing';
import { SPACING, STYLE } from './hosted-style';
import { type WireLineItem } from './tables';

/** What the person typed, shown again after a decline; the security code never is. */
export interface TypedCard {
  number: string;
  expiry: string;
}

/** What the page of an open session shows besides the session itself. */
export interface PayPage {
  items: WireLineItem[];
  saved: Stripe.PaymentMethod[];
  error?: string;
  typed?: TypedCard | undefined;
}

/**
 * The page of an open session, after Stripe's hosted Checkout: what is bought on the left, how it is paid on the
 * right. Plain forms, so that it works without scripts; the script only sets spaces while typing.
 */
export function payPage(session: Stripe.Checkout.Session, { items, saved, error = '', typed }: PayPage): string {
  const setup = session.mode === 'setup';
  const total = showMoney(session.amount_total ?? 0, session.currency ?? 'usd');
  const email = session.customer_details?.email ?? session.customer_email;
  const contact = email ? `<p class="field"><span>Email</span><b>${escapeHtml(email)}</b></p>` : '';
  const title = setup ? 'Save card' : `Pay ${total}`;
  const body = `<main class="split">
${orderSection(session, items, total)}
<section class="pay" aria-label="Payment">
  <h1>${setup ? 'Save a card' : 'Pay with card'}</h1>
  ${contact}
  ${errorBox(error)}
  ${savedCardForms(session, saved)}
  ${cardForm(session, escapeHtml(title), typed)}
  ${setup ? '' : payLaterForm(session)}
</section>
</main>
<script>${SPACING}</script>`;
  return page(title, STYLE, body);
}

function orderSection(session: Stripe.Checkout.Session, items: WireLineItem[], total: string): string {
  const currency = session.currency ?? 'usd';
  const cancel = session.cancel_url
    ? `<a id="cancel" href="${escapeHtml(session.cancel_url)}">&larr; Cancel and go back</a>`
    : '';
  const rows = items.map((item) => itemRow(item, currency)).join('');
  const money = `<p class="soft">Amount due</p>
  <p class="total" id="total">${escapeHtml(total)}</p>
  <ul>${rows}</ul>
  <dl><dt>Subtotal</dt><dd>${escapeHtml(showMoney(session.amount_subtotal ?? 0, currency))}</dd>
  <dt>Tax</dt><dd id="tax">${escapeHtml(showMoney(session.total_details?.amount_tax ?? 0, currency))}</dd>
  <dt class="due">Total due</dt><dd class="due">${escapeHtml(total)}</dd></dl>`;
  const saving = '<p class="total">Nothing to pay</p><p class="soft">The card is kept for later payments.</p>';
  return `<section class="order" aria-label="Order">
  <nav>${cancel} <span class="test">TEST MODE</span></nav>
  ${session.mode === 'setup' ? saving : money}
  <p class="note">Local Stripe simulator. No real money moves: use a test card such as 4242 4242 4242 4242.</p>
</section>`;
}

function cardForm(session: Stripe.Checkout.Session, title: string, typed?: TypedCard): string {
  const keeps = session.saved_payment_method_options?.payment_method_save === 'enabled' && session.mode === 'payment';
  const keep =
    '<p><label><input id="save-card" type="checkbox" name="save" value="1"> Save this card for later</label></p>';
  return `<form method="post" action="/c/pay/${session.id}/pay" autocomplete="off" novalidate>
    <label for="card-number">Card number</label>
    <input id="card-number" name="number" inputmode="numeric" maxlength="23" placeholder="1234 1234 1234 1234" value="${escapeHtml(typed?.number ?? '')}" required>
    <div class="pair">
      <div><label for="card-expiry">Expiry</label>
      <input id="card-expiry" name="expiry" inputmode="numeric" maxlength="7" placeholder="MM / YY" value="${escapeHtml(typed?.expiry ?? '')}" required></div>
      <div><label for="card-cvc">Security code</label>
      <input id="card-cvc" name="cvc" inputmode="numeric" maxlength="4" placeholder="CVC" required></div>
    </div>
    ${billingFields(session)}
    ${keeps ? keep : ''}
    <button id="pay" class="main">${title}</button>
  </form>`;
}

/** Where the payer lives, where a tax or the merchant asks; the tax is counted when the form is sent. */
function billingFields(session: Stripe.Checkout.Session): string {
  const asks = asksFor(session);
  const field = (id: string, name: string, label: string, hint: string) =>
    `<div><label for="${id}">${label}</label><input id="${id}" name="${name}" placeholder="${hint}"></div>`;
  const address = `${field('billing-name', 'name', 'Name', 'Full name or business')}
    <div class="pair">${field('billing-country', 'country', 'Country', 'US')}
    ${field('billing-state', 'state', 'State', 'TX')}</div>
    ${field('billing-postal-code', 'postal_code', 'Postal code', '')}`;
  const taxId = field('tax-id', 'tax_id', 'VAT ID (businesses)', 'DE123456789');
  return `${asks.address ? address : ''}${asks.taxId ? taxId : ''}`;
}

/** One button per saved card (`.saved-card`): the form's `payment_method` says which. */
function savedCardForms(session: Stripe.Checkout.Session, saved: Stripe.PaymentMethod[]): string {
  if (saved.length === 0) return '';
  const buttons = saved.map(({ id, card }) => {
    const name = `${card?.brand ?? 'card'} •••• ${card?.last4 ?? ''}`;
    return `<button class="second saved-card" name="payment_method" value="${id}">Pay with ${escapeHtml(name)}</button>`;
  });
  return `<form method="post" action="/c/pay/${session.id}/pay">${buttons.join('')}</form>
  <div class="or"><span>or another card</span></div>`;
}

function payLaterForm(session: Stripe.Checkout.Session): string {
  return `<div class="or"><span>or</span></div>
  <form method="post" action="/c/pay/${session.id}/pay_later">
    <button id="pay-later" class="second">Pay later by bank debit</button>
  </form>
  <p class="note">A bank debit takes days: you are brought back at once, and the payment succeeds or fails later.</p>`;
}

/** The bank's 3-D Secure question. */
export function authenticationPage(action: string, what: string): string {
  return notice(
    'Confirm it is you',
    `Your bank asks you to confirm ${what}.`,
    `<form method="post" action="${escapeHtml(action)}">
      <button id="authenticate" class="main" name="outcome" value="passed">Complete authentication</button>
      <button id="fail-authentication" class="second" name="outcome" value="failed">Fail authentication</button>
    </form>`,
  );
}

/** A page with one thing to say; `more` is HTML. */
export function notice(title: string, text: string, more = ''): string {
  const body = `<main class="card"><span class="test">TEST MODE</span>
<h1>${escapeHtml(title)}</h1><p id="notice">${escapeHtml(text)}</p>${more}</main>`;
  return page(title, STYLE, body);
}

function itemRow(item: WireLineItem, currency: string): string {
  const quantity = item.quantity ?? 1;
  const each =
    quantity > 1
      ? `<small>Qty ${quantity}, ${escapeHtml(showMoney(item.price.unit_amount ?? 0, currency))} each</small>`
      : '';
  const amount = escapeHtml(showMoney(item.amount_total, currency));
  return `<li><span>${escapeHtml(item.description ?? 'Item')}${each}</span><b>${amount}</b></li>`;
}

function errorBox(error: string): string {
  return error === ''
    ? '<p id="error" role="alert" hidden></p>'
    : `<p id="error" role="alert">${escapeHtml(error)}</p>`;
}
