import { type Html, html } from '../../common/html';
import type { Money } from '../../common/money';
import type { AutoReloadRule } from '../reload/auto-reload';
import type { ReloadAttempt } from '../reload/reload-attempt';
import type { BillingAccount, BillingVisit } from './billing-account';
import { type ReloadFaults, type ReloadField, type TypedReload, typedOf } from './reload-form';
import { attemptInWords, dollars, reasonInWords, standingOf, timeInWords } from './words';

/** The rule as a form, how it stands, and what became of each charge. */
export function reloadSection({ rule, attempts }: BillingAccount, { address, refused }: BillingVisit): Html {
  const { word, tone } = standingOf(rule);
  const typed = refused?.typed ?? (rule ? typedOf(rule) : SUGGESTED);
  return html`<section aria-labelledby="reload">
    <div class="head">
      <h2 id="reload">Auto-reload</h2>
      <span class="tag ${tone}" id="reload-state">${word}</span>
    </div>
    ${whyNot(rule, attempts)}
    <form method="post" action="${address}/auto-reload" novalidate>
      <div class="fields">${FIELDS.map((field) => fieldOf(field, typed, refused?.faults ?? {}))}</div>
      <div class="acts">
        <button class="main" id="save-reload">${rule?.enabled ? 'Save' : 'Save and turn on'}</button>
        ${rule && otherActs(rule, address)}
      </div>
    </form>
    ${attempts.length > 0 ? attemptsOf(attempts) : undefined}
  </section>`;
}

/** Where the holder of the card has to confirm a charge, if that is so. */
export function pageToPayOn({ attempts }: BillingAccount): { url: string; amount: Money } | undefined {
  const [newest] = attempts;
  return newest?.url ? { url: newest.url, amount: newest.amount } : undefined;
}

const SUGGESTED: TypedReload = { threshold: '10.00', amount: '25.00', dayCap: '', monthCap: '' };

interface Field {
  readonly name: ReloadField;
  readonly label: string;
  readonly help: string;
}

const FIELDS: readonly Field[] = [
  { name: 'threshold', label: 'When the balance falls below', help: 'US dollars.' },
  { name: 'amount', label: 'Add', help: 'Or a multiple of it, where once is not enough.' },
  { name: 'dayCap', label: 'At most per day', help: 'Leave empty for no limit.' },
  { name: 'monthCap', label: 'At most per month', help: 'Leave empty for no limit.' },
];

function fieldOf({ name, label, help }: Field, typed: TypedReload, faults: ReloadFaults): Html {
  const fault = faults[name];
  const told = fault === undefined ? `${name}-help` : `${name}-fault ${name}-help`;
  return html`<div>
    <label for="${name}">${label}</label>
    <div class="typed ${fault === undefined ? '' : 'wrong'}">
      <span aria-hidden="true">$</span>
      <input
        id="${name}"
        name="${name}"
        inputmode="decimal"
        autocomplete="off"
        maxlength="12"
        value="${typed[name]}"
        aria-describedby="${told}"
        aria-invalid="${fault === undefined ? 'false' : 'true'}"
      />
    </div>
    ${fault === undefined ? undefined : html`<p class="fault" id="${name}-fault">${fault}</p>`}
    <small id="${name}-help">${help}</small>
  </div>`;
}

function whyNot(rule: AutoReloadRule | undefined, attempts: readonly ReloadAttempt[]): Html | undefined {
  if (attempts.some(({ state }) => OPEN_CHARGE.has(state))) {
    return html`<p id="reload-open">A charge is still open: its card may be charged, or has been.</p>`;
  }
  if (!rule?.enabled || rule.reason === null) return undefined;
  const next = rule.nextTryAt === null ? '' : ` Next try after ${timeInWords(rule.nextTryAt)}.`;
  return html`<p id="reload-reason">Nothing is charged: ${reasonInWords(rule.reason)}.${next}</p>`;
}

/** Until one of these has ended, nobody can say that nothing is charged. */
const OPEN_CHARGE: ReadonlySet<ReloadAttempt['state']> = new Set(['charging', 'in_doubt', 'processing']);

/** Buttons of the same form that send it elsewhere: what was typed and not saved does not count there. */
function otherActs(rule: AutoReloadRule, address: string): readonly Html[] {
  if (!rule.enabled) return [];
  const act = (action: string, word: string) =>
    html`<button id="${action}" formaction="${address}/${action}">${word}</button> `;
  const stopped = rule.state !== 'active' || rule.failures > 0;
  return [...(stopped ? [act('resume', 'Try again now')] : []), act('pause', 'Pause')];
}

const attemptsOf = (attempts: readonly ReloadAttempt[]): Html =>
  html`<h3>What was charged</h3>
    <ul class="rows" id="attempts">
      ${attempts.map(attemptRow)}
    </ul>`;

function attemptRow(attempt: ReloadAttempt): Html {
  const { word, tone } = attemptInWords(attempt);
  const { amount, createdAt, reason, url } = attempt;
  return html`<li>
    <span class="what"
      ><b>${dollars(amount)}</b>
      <small
        ><time datetime="${createdAt.toISOString()}">${timeInWords(createdAt)}</time>${
          reason === null ? '' : `: ${reasonInWords(reason)}`
        }</small
      ></span
    >
    <span class="acts"
      ><span class="tag ${tone}">${word}</span> ${
        url === null ? undefined : html`<a href="${url}">Confirm the payment</a>`
      }</span
    >
  </li>`;
}
