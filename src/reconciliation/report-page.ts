import { type Html, html } from '../common/html';
import { formatMoney } from '../common/money';
import { renderPage, timeOf } from '../common/page';
import { ageInDays, type Discrepancy } from './discrepancy';
import { differenceOf, type Report, type SideReportPart, type SideTotal, type Verdict } from './report';

/** The report as a page for people. `until`: when the link to it ends. */
export function renderReportPage(report: Report, until?: Date): string {
  return renderPage(
    'Reconciliation',
    html`<header>
        <div>
          <p class="brand">Tollbridge</p>
          <h1>Reconciliation</h1>
          <p>${timeOf(report.takenAt)}</p>
        </div>
        <div class="total">
          <p>Open discrepancies</p>
          <p class="amount">${report.open.length.toString()}</p>
          <p>${VERDICTS[report.verdict]}</p>
        </div>
      </header>
      ${report.sides.map(sideSection)}
      ${discrepancySection('Open discrepancies', 'Most likely', report.open, report.takenAt)}
      ${report.waived.length === 0 ? '' : discrepancySection('Waived', 'Why', report.waived, report.takenAt)}
      <footer>
        ${until === undefined ? '' : `This link works until ${timeOf(until)}; the page is as of now whenever it is loaded. `}Amounts
        are exact, and positive where the other side has more than the books. What is not explained must be zero: all
        balances, less what discrepancies are about. All times are UTC. An open discrepancy is settled by
        <code>tollbridge discrepancies resolve</code> with its id, or by itself, when a later run finds it explained.
      </footer>`,
  );
}

const VERDICTS: Readonly<Record<Verdict, string>> = {
  clean: 'The books are what everybody else says.',
  open: 'Something does not match.',
  failed: 'Somebody could not be asked.',
  unasked: 'Not everybody was asked yet.',
};

const NAMES = { stripe: 'Stripe', chain: 'Chains', books: 'The books themselves' } as const;

function sideSection({ side, asked, failed, isSkipped, totals }: SideReportPart): Html {
  const when = [
    ...(isSkipped ? ['Not configured.'] : []),
    ...(asked === undefined ? [] : [`Compared at ${timeOf(asked.at)}.`]),
    ...(asked === undefined && !isSkipped ? ['Not asked yet.'] : []),
  ].join(' ');
  const counted = Object.entries(asked?.counts ?? {}).map(([what, count]) => `${wordsOf(what)}: ${count}`);
  return html`<section>
    <h2>${NAMES[side]}</h2>
    <p>${[when, counted.length === 0 ? '' : `${counted.join(', ')}.`].join(' ')}</p>
    ${failed === undefined ? '' : html`<p role="alert">Could not be asked at ${timeOf(failed.at)}: ${failed.error ?? ''}</p>`}
    ${totals.length === 0 ? '' : balanceTable(side, asked?.balances ?? [], totals)}
  </section>`;
}

const balanceTable = (
  side: SideReportPart['side'],
  balances: NonNullable<SideReportPart['asked']>['balances'],
  totals: readonly SideTotal[],
): Html =>
  html`<table aria-label="${NAMES[side]}: balances">
    <thead>
      <tr>
        <th scope="col">Balance</th>
        <th scope="col" class="number">In the books</th>
        <th scope="col" class="number">There</th>
        <th scope="col" class="number">Difference</th>
      </tr>
    </thead>
    <tbody>
      ${balances.map(
        (balance) =>
          html`<tr>
            <td>${balance.name} (${balance.ours.asset})</td>
            <td class="number">${formatMoney(balance.ours)}</td>
            <td class="number">${formatMoney(balance.theirs)}</td>
            <td class="number">${formatMoney({ ...balance.ours, atoms: differenceOf(balance) })}</td>
          </tr>`,
      )}
    </tbody>
    <tfoot>
      ${totals.flatMap((total) => [
        noteRow(total, 'Of open discrepancies', -total.open),
        ...(total.waived === 0n ? [] : [noteRow(total, 'Waived', -total.waived)]),
        ...(total.resolvedSince === 0n ? [] : [noteRow(total, 'Resolved since', -total.resolvedSince)]),
        html`<tr class="sum">
          <td colspan="3">Not explained (${total.asset})</td>
          <td class="number">${formatMoney({ asset: total.asset, atoms: total.unexplained })}</td>
        </tr>`,
      ])}
    </tfoot>
  </table>`;

const noteRow = ({ asset }: SideTotal, name: string, atoms: bigint): Html =>
  html`<tr class="note">
    <td colspan="3">${name} (${asset})</td>
    <td class="number">${formatMoney({ asset, atoms })}</td>
  </tr>`;

function discrepancySection(title: string, because: string, discrepancies: readonly Discrepancy[], now: Date): Html {
  return html`<section>
    <h2>${title}</h2>
    ${
      discrepancies.length === 0
        ? html`<p>None.</p>`
        : html`<table aria-label="${title}">
            <thead>
              <tr>
                <th scope="col">What</th>
                <th scope="col">${because}</th>
                <th scope="col" class="number">Age</th>
                <th scope="col" class="number">Amount</th>
              </tr>
            </thead>
            <tbody>
              ${discrepancies.map((one) => discrepancyRow(one, now))}
            </tbody>
          </table>`
    }
  </section>`;
}

const discrepancyRow = (one: Discrepancy, now: Date): Html =>
  html`<tr>
    <td>
      ${one.side}: ${one.kind.replaceAll('_', ' ')}<br /><code>${one.ref}</code><br /><code>${one.id}</code><br />since
      ${timeOf(one.since)}
    </td>
    <td>${one.resolution === null ? one.suggestedCause : `${one.resolution.reason} (${one.resolution.by})`}</td>
    <td class="number">${dayCount(ageInDays(one, now))}</td>
    <td class="number">${formatMoney(one.amount)} ${one.amount.asset}</td>
  </tr>`;

/** `missedEvents` as people write it. */
const wordsOf = (name: string): string => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

const dayCount = (days: number): string => (days === 1 ? '1 day' : `${days} days`);
