import { customerCredits, customerReceivable } from '../../src/ledger/ledger-account';
import { type Balance, LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { DatabaseService } from '../../src/database/database.service';
import type { UpstreamCall } from '../../src/local/upstream/call-log';
import type { TestApp } from './app';
import { brokenGrants } from './grants-world';
import type { World } from './world';

// oxlint-disable-next-line typescript/no-explicit-any -- rows and answers of many shapes, looked into by tests
type Row = any;

/** What the books say about one customer. */
export interface Books extends Balance {
  /** What it owes. */
  readonly owed: bigint;
}

export async function booksOf({ app }: Pick<TestApp, 'app'>, customerId: string): Promise<Books> {
  const accounts = app.get(LedgerAccountsService);
  const balance = await accounts.balance(customerCredits(customerId, 'USD'));
  const receivable = await accounts.balance(customerReceivable(customerId, 'USD'));
  return { ...balance, owed: -receivable.posted.atoms };
}

export const query = ({ app }: Pick<TestApp, 'app'>, sql: string, parameters: unknown[] = []): Promise<Row[]> =>
  app.get(DatabaseService).query<Row>(sql, parameters);

export const usageOf = (world: Pick<TestApp, 'app'>, customerId: string): Promise<Row[]> =>
  query(world, 'SELECT * FROM usage_records WHERE customer_id = $1 ORDER BY occurred_at, id', [customerId]);

export const invoicesOf = (world: Pick<TestApp, 'app'>, customerId: string): Promise<Row[]> =>
  query(world, 'SELECT * FROM invoices WHERE customer_id = $1 ORDER BY issued_at, id', [customerId]);

/** Debits are credits, for each asset; what is held is the sum of open holds; nobody is below its credit limit. */
export async function expectSoundBooks(world: Pick<TestApp, 'app'>): Promise<void> {
  const sums = await query(
    world,
    'SELECT asset, sum(credits_posted - debits_posted)::text AS sum FROM ledger_accounts GROUP BY asset',
  );
  for (const { sum } of sums) expect(sum).toBe('0');
  const wrong = await query(
    world,
    `SELECT code, held, coalesce(open.atoms, 0) AS open FROM ledger_accounts account
       LEFT JOIN (SELECT account_id, sum(atoms) AS atoms FROM holds WHERE state = 'open' GROUP BY 1) open
         ON open.account_id = account.id
      WHERE held <> coalesce(open.atoms, 0) OR (guarded AND credits_posted - debits_posted - held + credit_limit < 0)`,
  );
  expect(wrong).toEqual([]);
  const unequal = await query(
    world,
    `SELECT i.id, i.atoms, u.atoms AS used FROM invoices i LEFT JOIN usage_records u ON u.id = i.call_id
      WHERE u.atoms IS DISTINCT FROM i.atoms`,
  );
  expect(unequal).toEqual([]);
  expect(await brokenGrants(world)).toEqual([]);
}

/** Waits for what must become true, and says what it was when it does not. */
export async function until<Value>(
  look: () => Value | Promise<Value>,
  isRight: (value: Value) => boolean,
  forMs = 20_000,
): Promise<Value> {
  const deadline = Date.now() + forMs;
  for (;;) {
    const value = await look();
    if (isRight(value)) return value;
    if (Date.now() > deadline) {
      const text = JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
      throw new Error(`It did not come true; it is ${text.slice(0, 1000)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** The upstream's newest call. */
export function lastCall({ upstream }: Pick<World, 'upstream'>): UpstreamCall {
  const call = upstream.calls().at(-1);
  if (!call) throw new Error('The upstream was never called.');
  return call;
}

/** The answer as JSON. */
export const json = async (response: Response): Promise<Row> => response.clone().json();

/** The events of a stream as parsed JSON; `[DONE]` stays a text. */
export function eventsOf(text: string): Row[] {
  return text
    .split('\n\n')
    .filter((event) => event.startsWith('data: '))
    .map((event) => event.slice(6))
    .map((data) => (data === '[DONE]' ? data : JSON.parse(data)));
}

/** The text that a stream's chunks deliver together. */
export const textOf = (events: Row[]): string =>
  events
    .flatMap((event) => event.choices ?? [])
    .map((choice: Row) => choice.delta?.content ?? choice.text ?? '')
    .join('');

/** Reads any path: as the operator, or as whoever has `token`. */
export const get = (world: Pick<TestApp, 'url' | 'adminToken'>, path: string, token = world.adminToken) =>
  fetch(`${world.url}${path}`, { headers: { authorization: `Bearer ${token}` } });

/** Sends a body to any path as a customer would. */
export const post = (
  world: Pick<TestApp, 'url'>,
  path: string,
  key: string | undefined,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> =>
  fetch(`${world.url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

/** Half up to the nano-USD, as `[tokens, nano-USD per million]` pairs are charged. */
export const costOf = (...meters: [number, bigint][]): bigint =>
  (meters.reduce((sum, [tokens, rate]) => sum + BigInt(tokens) * rate, 0n) + 500_000n) / 1_000_000n;

/** Nano-USD as a plain decimal, written anew here so that a fault of the product's own is seen. */
export function decimal(atoms: bigint): string {
  const [whole, fraction] = [atoms / 1_000_000_000n, atoms % 1_000_000_000n];
  const digits = fraction.toString().padStart(9, '0').replace(/0+$/, '');
  return digits === '' ? `${whole}` : `${whole}.${digits}`;
}
