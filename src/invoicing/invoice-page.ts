import { type Html, html } from '../common/html';
import { formatAtoms, formatMoney } from '../common/money';
import { renderPage, timeOf } from '../common/page';
import type { ChargeLine } from '../pricing/quote';
import type { Evidence, Invoice } from './invoice';
import { sumOfLines } from './line-sum';

/** The invoice as a page for people. */
export function renderInvoicePage(invoice: Invoice): string {
  const amount = `${formatMoney(invoice.amount)} ${invoice.amount.asset}`;
  return renderPage(
    `Invoice ${invoice.id}`,
    html`<header>
        <div>
          <p class="brand">Tollbridge</p>
          <h1>Invoice</h1>
          <p class="id">${invoice.id}</p>
        </div>
        <div class="total">
          <p>Amount paid</p>
          <p class="amount">${amount}</p>
          <p>${timeOf(invoice.issuedAt)}</p>
        </div>
      </header>
      <h2>Inference</h2>
      <dl>
        ${fact('Model', invoice.model)} ${fact('Endpoint', invoice.endpoint)} ${fact('Status', invoice.status)}
        ${fact('Price version', invoice.priceVersion.toString())} ${code('Request', invoice.callId)}
        ${code('Customer', invoice.customerId)}
      </dl>
      <h2>Usage</h2>
      ${usageTable(invoice, amount)}
      <h2>Payment</h2>
      <dl>
        ${fact('Rail', invoice.scheme)}
        ${fact('Balance after', `${formatMoney(invoice.balanceAfter)} ${invoice.balanceAfter.asset}`)}
        ${proofOf(invoice.evidence)} ${code('Ledger entry', invoice.entryId.toString())}
        ${code('Price', invoice.priceId)}
      </dl>
      <footer>
        One inference, metered, at the price in force when it was asked for. Amounts are exact; USDC counts at par with
        USD. Whoever holds the address of this page can read it.
      </footer>`,
  );
}

const METERS: Readonly<Record<ChargeLine['meter'], string>> = {
  input: 'Input tokens',
  cached_input: 'Cached input tokens',
  cache_write: 'Cache write tokens',
  output: 'Output tokens',
  reasoning: 'Reasoning tokens',
  image: 'Images',
  request: 'Requests',
  second: 'Seconds',
};

function usageTable(invoice: Invoice, amount: string): Html {
  const { difference } = sumOfLines(invoice.lines, invoice.amount);
  return html`<table>
    <thead>
      <tr>
        <th>Meter</th>
        <th class="number">Quantity</th>
        <th class="number">Unit price</th>
        <th class="number">Amount (USD)</th>
      </tr>
    </thead>
    <tbody>
      ${invoice.lines.map(usageRow)}
    </tbody>
    <tfoot>
      ${difference && note(difference.name, difference.amount)}
      <tr class="sum">
        <td colspan="2">Total</td>
        <td colspan="2" class="number">${amount}</td>
      </tr>
    </tfoot>
  </table>`;
}

const usageRow = (line: ChargeLine): Html =>
  html`<tr>
    <td>${METERS[line.meter]}</td>
    <td class="number">${grouped(line.quantity)}</td>
    <td class="number">$${formatAtoms(BigInt(line.unitPriceNano), 9)} ${line.per === '1' ? 'each' : 'per million'}</td>
    <td class="number">${line.amount}</td>
  </tr>`;

const note = (name: string, amount: string): Html =>
  html`<tr class="note">
    <td colspan="3">${name}</td>
    <td class="number">${amount}</td>
  </tr>`;

/** A key, or what can be looked up on a chain. */
function proofOf(evidence: Evidence): readonly Html[] {
  const { apiKeyId, payer, network, transaction, settled, credited } = evidence;
  const { promised, channel, voucher, commitment, walletProvider, networkFee, gas } = evidence;
  const micro = (atoms: string) => `${formatAtoms(BigInt(atoms), 6)} USDC`;
  return [
    apiKeyId === undefined ? [] : [code('API key', apiKeyId)],
    network === undefined ? [] : [code('Network', network)],
    payer === undefined ? [] : [code('Payer', payer)],
    transaction === undefined ? [] : [code('Transaction', transaction)],
    settled === undefined ? [] : [fact('Settled on chain', micro(settled))],
    credited === undefined ? [] : [fact('Credited to the payer', micro(credited))],
    promised === undefined ? [] : [fact('Promised by the payer', micro(promised))],
    channel === undefined ? [] : [code('Channel', channel)],
    voucher === undefined ? [] : [fact('Voucher up to', micro(voucher))],
    commitment === undefined ? [] : [code('Commitment', commitment)],
    walletProvider === undefined ? [] : [fact('Wallet', walletProvider)],
    networkFee === undefined
      ? []
      : [
          fact(
            'Network fee, borne by the operator',
            `${networkFee} USD${gas === undefined ? '' : `, ${gas} in coins`}`,
          ),
        ],
  ].flat();
}

/** Half a row, or a whole one for what is long. */
const place = (value: string) => (value.length > 44 ? 'wide' : 'half');

const fact = (name: string, value: string): Html =>
  html`<div class="${place(value)}">
    <dt>${name}</dt>
    <dd>${value}</dd>
  </div>`;

const code = (name: string, value: string): Html =>
  html`<div class="${place(value)}">
    <dt>${name}</dt>
    <dd><code>${value}</code></dd>
  </div>`;

const grouped = (digits: string): string => digits.replace(/\B(?=(\d{3})+$)/g, '\u202f');
