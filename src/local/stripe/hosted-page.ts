import type Stripe from 'stripe';
import { escapeHtml, page, showMoney } from './html';
import { type WireLineItem } from './store';

/** What the person typed, shown again after a decline; the security code never is. */
export interface TypedCard {
  number: string;
  expiry: string;
}

/**
 * The page of an open session, after Stripe's hosted Checkout: what is bought on the left, how it is paid on the
 * right. Plain forms, so that it works without scripts; the script only sets spaces while typing.
 */
export function payPage(
  session: Stripe.Checkout.Session,
  items: WireLineItem[],
  error = '',
  typed?: TypedCard,
): string {
  const currency = session.currency ?? 'usd';
  const total = showMoney(session.amount_total ?? 0, currency);
  const email = session.customer_details?.email ?? session.customer_email;
  const cancel = session.cancel_url
    ? `<a id="cancel" href="${escapeHtml(session.cancel_url)}">&larr; Cancel and go back</a>`
    : '';
  const rows = items.map((item) => itemRow(item, currency)).join('');
  const contact = email ? `<p class="field"><span>Email</span><b>${escapeHtml(email)}</b></p>` : '';
  const body = `<main class="split">
<section class="order" aria-label="Order">
  <nav>${cancel} <span class="test">TEST MODE</span></nav>
  <p class="soft">Amount due</p>
  <p class="total" id="total">${escapeHtml(total)}</p>
  <ul>${rows}</ul>
  <dl><dt>Subtotal</dt><dd>${escapeHtml(showMoney(session.amount_subtotal ?? 0, currency))}</dd>
  <dt>Tax</dt><dd>${escapeHtml(showMoney(session.total_details?.amount_tax ?? 0, currency))}</dd>
  <dt class="due">Total due</dt><dd class="due">${escapeHtml(total)}</dd></dl>
  <p class="note">Local Stripe simulator. No real money moves: use a test card such as 4242 4242 4242 4242.</p>
</section>
<section class="pay" aria-label="Payment">
  <h1>Pay with card</h1>
  ${contact}
  ${errorBox(error)}
  <form method="post" action="/c/pay/${session.id}/pay" autocomplete="off" novalidate>
    <label for="card-number">Card number</label>
    <input id="card-number" name="number" inputmode="numeric" maxlength="23" placeholder="1234 1234 1234 1234" value="${escapeHtml(typed?.number ?? '')}" required>
    <div class="pair">
      <div><label for="card-expiry">Expiry</label>
      <input id="card-expiry" name="expiry" inputmode="numeric" maxlength="7" placeholder="MM / YY" value="${escapeHtml(typed?.expiry ?? '')}" required></div>
      <div><label for="card-cvc">Security code</label>
      <input id="card-cvc" name="cvc" inputmode="numeric" maxlength="4" placeholder="CVC" required></div>
    </div>
    <button id="pay" class="main">Pay ${escapeHtml(total)}</button>
  </form>
  <div class="or"><span>or</span></div>
  <form method="post" action="/c/pay/${session.id}/pay_later">
    <button id="pay-later" class="second">Pay later by bank debit</button>
  </form>
  <p class="note">A bank debit takes days: you are brought back at once, and the payment succeeds or fails later.</p>
</section>
</main>
<script>${SPACING}</script>`;
  return page(`Pay ${total}`, STYLE, body);
}

/** The bank's 3-D Secure question. */
export function authenticationPage(action: string, amount: string): string {
  return notice(
    'Confirm it is you',
    `Your bank asks you to confirm a payment of ${amount}.`,
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

const SPACING = `
const number = document.getElementById('card-number');
number.addEventListener('input', () => {
  number.value = number.value.replace(/\\D/g, '').slice(0, 19).replace(/(\\d{4})(?=\\d)/g, '$1 ');
});
const expiry = document.getElementById('card-expiry');
expiry.addEventListener('input', (event) => {
  if (event.inputType === 'deleteContentBackward') return;
  expiry.value = expiry.value.replace(/\\D/g, '').slice(0, 4).replace(/^(\\d{2})/, '$1 / ');
});`;

const STYLE = `
.split{display:grid;grid-template-columns:1fr 1fr;min-height:100vh}
.order,.pay{padding:3.5rem clamp(1.5rem,6vw,6rem)}
.order{background:var(--wash)}
.pay{background:var(--paper);box-shadow:-12px 0 32px rgba(26,31,54,.06)}
.order>*,.pay>*{max-width:26rem}
.order>*{margin-left:auto}
nav{display:flex;justify-content:space-between;align-items:center;margin-bottom:2.5rem;font-size:.95rem}
nav a{text-decoration:none}
.soft,.note,small,dt{color:var(--soft)}
.soft{margin-bottom:0}
.total{font-size:2.5rem;font-weight:650;letter-spacing:-.02em;line-height:1.2;margin-top:.1rem;margin-bottom:2rem}
ul{list-style:none;padding:0;margin-bottom:1rem}
li{display:flex;justify-content:space-between;gap:1rem;padding:.5rem 0}
li b{font-weight:600}
small{display:block}
dl{display:grid;grid-template-columns:1fr auto;gap:.6rem;border-top:1px solid var(--line);padding-top:1rem}
dd{margin:0;text-align:right}
.due{color:var(--ink);font-weight:650;border-top:1px solid var(--line);padding-top:.6rem}
dt.due{margin-right:-.6rem}
.note{font-size:.875rem;margin-top:1.25rem;margin-bottom:0}
h1{font-size:1.35rem;margin:0 0 1.25rem}
.field{display:flex;justify-content:space-between;gap:1rem;border:1px solid var(--line);border-radius:8px;padding:.65rem .9rem}
.field span{color:var(--soft)}
.field b{font-weight:500;overflow-wrap:anywhere}
label{display:block;font-size:.875rem;font-weight:550;margin:.9rem 0 .3rem}
input{width:100%;font:inherit;color:inherit;padding:.65rem .8rem;border:1px solid var(--line);border-radius:8px;background:#fff;font-variant-numeric:tabular-nums}
input:focus{outline:none;border-color:var(--accent);box-shadow:0 0 0 3px rgba(75,77,224,.2)}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:.9rem}
.main,.second{width:100%;padding:.8rem;border-radius:8px;font-weight:600;margin-top:1.4rem}
.main{border:0;background:var(--accent);color:#fff}
.main:hover{background:var(--accent-dark)}
.second{border:1px solid var(--line);background:#fff;color:var(--ink);margin-top:.75rem}
.second:hover{border-color:var(--soft)}
.or{display:flex;align-items:center;gap:.8rem;color:var(--soft);font-size:.875rem;margin:1.2rem 0 .3rem}
.or:before,.or:after{content:"";flex:1;border-top:1px solid var(--line)}
#error:not([hidden]){color:var(--bad);background:#fdeef2;border:1px solid #f3bccb;border-radius:8px;padding:.7rem .9rem}
.card{max-width:28rem;margin:12vh auto;background:var(--paper);padding:2.5rem;border-radius:12px;box-shadow:0 12px 40px rgba(26,31,54,.1)}
.card h1{margin:1rem 0 .5rem}
@media (max-width:820px){.split{display:block}.order,.pay{padding:2rem 1.25rem}.order>*,.pay>*{margin-left:auto;margin-right:auto}}
`;
