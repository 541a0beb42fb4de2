import { type Html, html } from '../../common/html';
import type { SavedCard } from '../cards/saved-card';
import type { BillingAccount } from './billing-account';

/** Saved cards, with what can be done about each. */
export function cardsSection(cards: BillingAccount['cards'], address: string): Html {
  return html`<section aria-labelledby="cards">
    <h2 id="cards">Cards</h2>
    ${cardsOf(cards, address)}
  </section>`;
}

function cardsOf(cards: BillingAccount['cards'], address: string): Html {
  if (cards === 'not_taken') return html`<p class="soft">This server takes no cards.</p>`;
  if (cards === 'unavailable') {
    return html`<p class="soft">Your cards cannot be shown at the moment. Load this page again in a while.</p>`;
  }
  return html`${
      cards.length === 0
        ? html`<p class="soft">None is saved. Auto-reload needs one.</p>`
        : html`<ul class="rows" id="card-list">
            ${cards.map((card) => cardRow(card, address))}
          </ul>`
    }
    <form method="post" action="${address}/add-card">
      <p class="soft">Cards are kept by Stripe, on whose page you type the number.</p>
      <button class="apart" id="add-card">Add a card</button>
    </form>`;
}

function cardRow(card: SavedCard, address: string): Html {
  const name = `${BRANDS[card.brand] ?? card.brand} ending in ${card.last4}`;
  const ends = `${String(card.expiresMonth).padStart(2, '0')}/${card.expiresYear}`;
  const button = (action: string, word: string) =>
    html`<form method="post" action="${address}/${action}">
      <input type="hidden" name="card" value="${card.id}" />
      <button aria-label="${word}: ${name}">${word}</button>
    </form>`;
  return html`<li>
    <span class="what">${name} <small>until ${ends}</small></span>
    <span class="acts"
      >${card.isDefault ? html`<span class="tag good">Charged first</span>` : button('default-card', 'Charge first')}
      ${button('remove-card', 'Remove')}</span
    >
  </li>`;
}

const BRANDS: Readonly<Record<string, string>> = {
  amex: 'American Express',
  diners: 'Diners Club',
  discover: 'Discover',
  jcb: 'JCB',
  mastercard: 'Mastercard',
  unionpay: 'UnionPay',
  visa: 'Visa',
};
