import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { DatabaseService } from '../../src/database/database.service';
import { startTestApp, type TestApp } from '../support/app';
import { bookCreditCall } from '../support/books';
import { get, json, until } from '../support/calls';
import { asOwner } from '../support/owner';
import { customerWith } from '../support/world';

const ROWS = 200_000;
const QUERY = '?customerId=cus_bulk';
/** What another customer has, whose own lists stay as they are beside so many rows. */
const CALLS = 2;

describe('200,000 rows', () => {
  let world: TestApp;
  let database: DatabaseService;
  let customerId: string;
  let key: string;

  beforeAll(async () => {
    world = await startTestApp();
    database = world.app.get(DatabaseService);
    const acme = await customerWith(world, 1_000_000_000n);
    ({ customerId, key } = acme);
    for (let call = 0; call < CALLS; call++) {
      await bookCreditCall(world, { customerId, keyId: acme.keyId, atoms: 7919n });
    }
    await asOwner(
      world,
      `INSERT INTO usage_records (id, occurred_at, customer_id, api_key_id, scheme, endpoint, provider, model_requested, model_served, status,
         stream, input_tokens, output_tokens, usage_source, price_id, asset, atoms, held_atoms, latency_ms)
       SELECT gen_random_uuid(), date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC' + n * interval '1 ms', 'cus_bulk', 'key_bulk', 'credit',
              '/v1/chat/completions', 'upstream', 'gpt-4o-mini', 'gpt-4o-mini-2024-07-18', 'succeeded', false, n, n % 700, 'provider', 'price_none',
              'USD', n, n + 5, 12 FROM generate_series(1, ${ROWS}) n`,
      'ANALYZE usage_records',
    );
  });
  afterAll(() => world?.stop());

  it('stream in bounded memory, and match their manifest', async () => {
    // What V8 keeps after its first rows is not what an export holds on to: a quarter of them goes first.
    const now = new Date();
    const quarter = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth()) + ROWS / 4).toISOString();
    for await (const _ of (await get(world, `/v1/exports/usage.csv${QUERY}&to=${quarter}`))
      .body as unknown as AsyncIterable<Uint8Array>);
    const before = process.memoryUsage().rss;
    let peak = before;
    const hash = createHash('sha256');
    let bytes = 0;
    const answer = await get(world, `/v1/exports/usage.csv${QUERY}`);
    for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
      hash.update(chunk);
      bytes += chunk.length;
      peak = Math.max(peak, process.memoryUsage().rss);
    }
    const growth = (peak - before) / 1024 / 1024;
    process.stdout.write(
      `export of ${ROWS} rows, ${(bytes / 1e6).toFixed(1)} MB: RSS grew by ${growth.toFixed(1)} MB\n`,
    );
    expect(growth).toBeLessThan(60);
    const manifest = await json(await get(world, `/v1/exports/usage.manifest.json${QUERY}`));
    expect(manifest).toMatchObject({
      rows: ROWS,
      bytes,
      sha256: hash.digest('hex'),
      totalCostNano: ((BigInt(ROWS) * BigInt(ROWS + 1)) / 2n).toString(),
    });
  }, 180_000);

  it('are listed as invoices along an index, month by month', async () => {
    for (const [index, where] of [
      ['customer_id_occurred_at_id_idx', `customer_id = '${customerId}' AND`],
      ['pkey', ''],
    ] as const) {
      const plan = await database.transaction(async (tx) => {
        // Whether the order can come from an index: a planner would rather sort a table this small.
        await tx.query('SET LOCAL enable_seqscan = off');
        await tx.query('SET LOCAL enable_bitmapscan = off');
        await tx.query('SET LOCAL enable_sort = off');
        return tx.query<{ 'QUERY PLAN': string }>(
          `EXPLAIN SELECT * FROM invoices WHERE ${where} issued_at <= now() AND (issued_at, call_id) < (now(), gen_random_uuid())
            ORDER BY issued_at DESC, call_id DESC LIMIT 51`,
        );
      });
      const text = plan.map((row) => row['QUERY PLAN']).join('\n');
      expect(text).toMatch(new RegExp(`Index Scan (Backward )?using usage_records_\\d+_\\d+_${index}`));
      expect(text).not.toMatch(/Sort/);
    }
  });

  it('need no sort: the cursor walks an index', async () => {
    const plan = await database.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT *, (SELECT name FROM customers WHERE id = customer_id) FROM usage_records u
        WHERE occurred_at >= '2020-01-01' AND occurred_at < '2040-01-01' ORDER BY occurred_at, id LIMIT 1000`,
    );
    expect(plan.map((row) => row['QUERY PLAN']).join('\n')).not.toMatch(/Sort/);
  });

  const linesFor = async (token: string) =>
    (await (await get(world, '/v1/exports/usage.csv', token)).text()).split('\r\n').length - 1;

  async function cursors(): Promise<number> {
    const [row] = await database.query<{ n: bigint }>(
      `SELECT count(*) AS n FROM pg_stat_activity WHERE query LIKE 'FETCH%' AND state <> 'idle'`,
    );
    return Number(row?.n);
  }

  /** An export that nobody reads: the sockets fill up, and its cursor stays where it is. */
  function startDownload() {
    const headers = { authorization: `Bearer ${world.adminToken}` };
    const download = request(`${world.url}/v1/exports/usage.csv${QUERY}`, { headers });
    download.on('error', () => undefined).end();
    return download;
  }

  it('wait for a slow reader, and let go of the cursor when it goes away', async () => {
    const download = startDownload();
    const answer = await new Promise<NodeJS.ReadableStream>((resolve) => download.on('response', resolve));
    answer.on('error', () => undefined);
    await until(cursors, (open) => open === 1);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await cursors()).toBe(1);
    download.destroy();
    await until(cursors, (open) => open === 0);
  });

  it('are refused beyond a few at once, and nothing else waits', async () => {
    const downloads = [1, 2, 3, 4].map(() =>
      startDownload().on('response', (answer) => answer.on('error', () => undefined)),
    );
    await until(cursors, (open) => open === 4);
    const busy = await get(world, '/v1/exports/usage.csv');
    expect([busy.status, busy.headers.get('retry-after'), await busy.json()]).toEqual([
      503,
      '5',
      expect.objectContaining({ code: 'exports_busy' }),
    ]);
    expect((await json(await get(world, '/v1/invoices', key))).data).toHaveLength(CALLS);
    for (const download of downloads) download.destroy();
    await until(cursors, (open) => open === 0);
    expect(await linesFor(key)).toBe(1 + CALLS);
  });

  it('end with a broken answer, not a short one, when the database goes away', async () => {
    const download = startDownload();
    const answer = await new Promise<NodeJS.ReadableStream>((resolve) => download.on('response', resolve));
    await until(cursors, (open) => open === 1);
    await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'FETCH%' AND state <> 'idle'`,
    );
    const outcome = await new Promise<string>((resolve) => {
      answer
        .on('error', () => resolve('broken'))
        .on('end', () => resolve('ended'))
        .resume();
    });
    expect(outcome).toBe('broken');
    expect(await linesFor(key)).toBe(1 + CALLS);
  });
});
