import { type Html, html } from '../../common/html';
import { type Money, usd } from '../../common/money';
import { renderDocument } from '../../common/page';
import type { PastGrant } from '../../credits/grant-history.service';
import type { AssetBalance } from '../balances.service';
import type { TopUp } from '../topup';
import { type BillingAccount, type BillingVisit, DONE } from './billing-account';
import { STYLE } from '../people-page-style';
import { cardsSection } from './cards-section';
import { pageToPayOn, reloadSection } from './reload-section';
import { dollars, grantInWords, moneyInWords, timeInWords, topUpInWords } from './words';

/** What a customer has, and how it is paid. Works without scripts; every form is sent to an address below the page's. */
export function renderBillingPage(account: BillingAccount, visit: BillingVisit): string {
  const title = `${visit.refused ? 'Not saved: ' : ''}Billing of ${account.name}`;
  return renderDocument(
    title,
    STYLE,
    html`<header>
        <p class="brand">Tollbridge</p>
        <h1>Billing</h1>
        <p class="soft">${account.name}. This page works until ${time(visit.expiresAt)}.</p>
      </header>
      ${noticeOf(account, visit)} ${balanceSection(account)} ${reloadSection(account, visit)}
      ${cardsSection(account.cards, visit.address)} ${topUpsSection(account.topUps, visit.address)}`,
  );
}

function noticeOf(account: BillingAccount, { done, refused }: BillingVisit): Html {
  const page = pageToPayOn(account);
  return html`${
    refused &&
    html`<div class="notice bad" role="alert">
      <p><b>Nothing was saved.</b> See what is marked under Auto-reload.</p>
    </div>`
  }
  ${done && html`<p class="notice" role="status">${DONE[done]}</p>`}
  ${
    page &&
    html`<div class="notice bad" role="alert">
      <p><b>Your bank wants you to confirm a payment of ${dollars(page.amount)}.</b></p>
      <p>Until then your balance is not filled up.</p>
      <p><a class="button main" href="${page.url}">Confirm the payment</a></p>
    </div>`
  }`;
}

function balanceSection({ balance: { usd: inUsd, usdc }, grants }: BillingAccount): Html {
  const row = (name: string, amount: Money) =>
    amount.atoms === 0n ? [] : [html`<li><span class="what">${name}</span><b>${moneyInWords(amount)}</b></li>`];
  return html`<section aria-labelledby="balance">
    <h2 id="balance">Balance</h2>
    <p class="amount" id="available">${dollars(usd(inUsd.available))}</p>
    <p class="soft">for your next calls</p>
    <ul class="rows">
      ${row('Reserved for calls in flight and disputed payments', usd(inUsd.held))}
      ${row('Credit limit: what you may use before you pay', usd(inUsd.creditLimit))}
      ${row('Owed: the next top-up pays it first', usd(inUsd.owed))} ${usdc && row('Credit in USDC', inUsdc(usdc))}
    </ul>
    ${grants.length > 0 ? grantsOf(grants) : undefined}
  </section>`;
}

const inUsdc = ({ asset, available }: AssetBalance): Money => ({ asset, atoms: available });

const grantsOf = (grants: readonly PastGrant[]): Html =>
  html`<h3>Where it comes from, in the order of use</h3>
    <ul class="rows" id="grants">
      ${grants.map(
        (grant) =>
          html`<li>
            <span class="what"
              >${grantInWords(grant)}
              <small
                >of ${dollars(grant.amount)},
                ${time(grant.createdAt)}${
                  grant.expiresAt ? html`, ends ${time(grant.expiresAt)}` : ''
                }${grant.frozen.atoms > 0n ? `, ${dollars(grant.frozen)} of it disputed` : ''}</small
              ></span
            >
            <b>${dollars(grant.left)}</b>
          </li>`,
      )}
    </ul>`;

function topUpsSection(topUps: readonly TopUp[], address: string): Html {
  return html`<section aria-labelledby="top-ups">
    <h2 id="top-ups">Top-ups</h2>
    ${topUps.length === 0 ? html`<p class="soft">There are none yet.</p>` : ''}
    <ul class="rows" id="top-up-list">
      ${topUps.map((topUp) => topUpRow(topUp, address))}
    </ul>
  </section>`;
}

function topUpRow(topUp: TopUp, address: string): Html {
  const { word, tone } = topUpInWords(topUp);
  const tax = topUp.tax.atoms > 0n ? ` and ${moneyInWords(topUp.tax)} tax` : '';
  const bonus = topUp.bonus.atoms > 0n ? `, bonus ${moneyInWords(topUp.bonus)}` : '';
  const receipt = `${address}/receipts/${topUp.id}`;
  return html`<li>
    <span class="what"
      ><b>${moneyInWords(topUp.paid ?? topUp.amount)}</b>${tax}${bonus}
      <small>${topUp.origin === 'reload' ? 'Auto-reload, ' : ''}${time(topUp.createdAt)}</small></span
    >
    <span class="acts"
      ><span class="tag ${tone}">${word}</span> ${
        topUp.rail === 'card' && topUp.paidAt
          ? html`<a href="${receipt}" aria-label="Receipt of ${timeInWords(topUp.createdAt)}">Receipt</a>`
          : ''
      }</span
    >
  </li>`;
}

const time = (date: Date): Html => html`<time datetime="${date.toISOString()}">${timeInWords(date)}</time>`;
