import { escapeHtml, page, showMoney } from './html';
import { idOf } from './ids';
import { type Simulation } from './simulation';

const ROWS = 30;

/** What happened so far, newest first, for a person who looks around; and the bank's answers to "pay later". */
export function homePage(sim: Simulation): string {
  const { store } = sim;
  const newest = <T>(rows: T[]): T[] => rows.slice(-ROWS).toReversed();
  const customers = newest(store.all('customers')).map((row) =>
    row.deleted === true ? [row.id, 'deleted', ''] : [row.id, escapeHtml(row.name ?? ''), escapeHtml(row.email ?? '')],
  );
  const sessions = newest(store.all('sessions')).map((row) => {
    const waits = store.get('payment_intents', idOf(row.payment_intent) ?? '')?.status === 'processing';
    const open = row.url === null ? '' : `<a href="${escapeHtml(row.url)}">open the page</a>`;
    const money = showMoney(row.amount_total ?? 0, row.currency ?? 'usd');
    return [shortId(row.id), money, `${row.status} / ${row.payment_status}`, waits ? bankButtons(row.id) : open];
  });
  const intents = newest(store.all('payment_intents')).map((row) => [
    row.id,
    showMoney(row.amount, row.currency),
    row.status,
    escapeHtml(row.last_payment_error?.message ?? ''),
  ]);
  const events = newest(store.all('events')).map((row) => [
    row.id,
    row.type,
    time(row.created),
    String(row.pending_webhooks),
  ]);
  const deliveries = newest(store.all('deliveries')).map((row) => [
    row.type,
    escapeHtml(row.url),
    row.state,
    String(row.attempts),
    escapeHtml(String(row.last_status ?? row.last_error ?? '')),
  ]);
  const endpoints = store.all('webhook_endpoints').map((row) => [row.id, escapeHtml(row.url), row.status]);
  const body = `<main><header><h1>Stripe simulator</h1> <span class="test">LOCAL, NO REAL MONEY</span></header>
${table('Checkout sessions', ['Session', 'Amount', 'Status / payment', ''], sessions)}
${table('Payments', ['Intent', 'Amount', 'Status', 'Last error'], intents)}
${table('Customers', ['Customer', 'Name', 'Email'], customers)}
${table('Events', ['Event', 'Type', 'Created', 'Pending webhooks'], events)}
${table('Webhook deliveries', ['Type', 'Endpoint', 'State', 'Attempts', 'Last answer'], deliveries)}
${table('Webhook endpoints', ['Endpoint', 'URL', 'Status'], endpoints)}</main>`;
  return page('Stripe simulator', STYLE, body);
}

/** `rows` hold HTML. */
function table(title: string, heads: string[], rows: string[][]): string {
  if (rows.length === 0) return `<h2>${title}</h2><p class="none">None yet.</p>`;
  const head = heads.map((text) => `<th scope="col">${text}</th>`).join('');
  const lines = rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('');
  return `<h2>${title}</h2><div class="wide"><table><thead><tr>${head}</tr></thead><tbody>${lines}</tbody></table></div>`;
}

function bankButtons(session: string): string {
  return `<form method="post" action="/_simulator/checkout/${session}/settle_async">
<button name="outcome" value="succeeded">Debit succeeds</button> <button name="outcome" value="failed">Debit fails</button></form>`;
}

function shortId(id: string): string {
  return `<span title="${id}">${id.slice(0, 22)}…</span>`;
}

function time(unix: number): string {
  return new Date(unix * 1000).toISOString().slice(0, 19).replace('T', ' ');
}

const STYLE = `
main{max-width:72rem;margin:0 auto;padding:2rem 1.25rem 4rem}
header{display:flex;gap:1rem;align-items:center}
h1{font-size:1.5rem;margin:0}
h2{font-size:1.05rem;margin:2rem 0 .5rem}
.none{color:var(--soft);margin:0}
.wide{overflow-x:auto;background:var(--paper);border:1px solid var(--line);border-radius:8px}
table{width:100%;border-collapse:collapse;font-size:.875rem}
th,td{text-align:left;padding:.45rem .8rem;border-bottom:1px solid var(--line);white-space:nowrap}
th{color:var(--soft);font-weight:550}
tr:last-child td{border-bottom:0}
form{margin:0}
td button{border:1px solid var(--line);background:#fff;border-radius:6px;padding:.15rem .5rem}
`;
