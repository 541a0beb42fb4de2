import { createHash } from 'node:crypto';
import { get } from 'node:http';
import { parse } from 'csv-parse/sync';
import { DatabaseService } from '../../src/database/database.service';
import { LedgerService } from '../../src/ledger/ledger.service';
import { customerCredits } from '../../src/ledger/ledger-account';
import { newId } from '../../src/common/id';
import { usd } from '../../src/common/money';
import { LedgerVerifyService } from '../../src/ledger/ledger-verify.service';
import type { VerificationProgress } from '../../src/ledger/verification';
import { startTestApp, type TestApp } from '../support/app';
import { bookChainCall, bookCreditCall } from '../support/books';
import { asOwner } from '../support/owner';
import { customerWith } from '../support/world';

const WALLET = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8';

type Buyer = Awaited<ReturnType<typeof customerWith>>;

describe('invoices, usage export and the proof of the books', () => {
  let world: TestApp;
  let database: DatabaseService;
  let acme: Buyer;
  let other: Buyer;
  const invoiceIds: string[] = [];

  beforeAll(async () => {
    world = await startTestApp();
    database = world.app.get(DatabaseService);
    acme = await customerWith(world, 1_000_000_000n);
    other = await customerWith(world, 1_000_000_000n);
    for (let index = 0; index < 23; index++) {
      const model = index % 2 === 0 ? 'gpt-4o-mini' : '=HYPERLINK("http://evil.example","x")';
      const atoms = BigInt(1 + index * 7919);
      invoiceIds.push((await bookCreditCall(world, { ...facts(acme), model, atoms })).invoiceId);
    }
    await bookCreditCall(world, { ...facts(other), atoms: 5n });
    for (const atoms of [1n, 333n, 1_000_001n]) await bookChainCall(world, WALLET, atoms);
  });
  afterAll(() => world?.stop());

  const facts = ({ customerId, keyId }: Buyer) => ({ customerId, keyId });
  const ask = (path: string, token = world.adminToken, headers: Record<string, string> = {}) =>
    fetch(`${world.url}${path}`, { headers: { authorization: `Bearer ${token}`, ...headers } });
  const json = async (path: string, token?: string) => (await ask(path, token)).json() as Promise<any>;

  describe('GET /v1/invoices', () => {
    it('pages through every invoice once, newest first, also when many share one instant', async () => {
      const seen: any[] = [];
      for (let after: string | null = ''; after !== null;) {
        const page = await json(`/v1/invoices?limit=4${after === '' ? '' : `&after=${after}`}`, acme.key);
        seen.push(...page.data);
        after = page.next;
      }
      expect(seen).toHaveLength(invoiceIds.length);
      expect(new Set(seen.map(({ id }) => id))).toEqual(new Set(invoiceIds));
      const keys = seen.map(({ issuedAt, id }) => `${issuedAt} ${id}`);
      expect(keys).toEqual(keys.toSorted().reverse());
    });

    it('shows a key its own customer, the operator all of them', async () => {
      expect((await json('/v1/invoices', other.key)).data).toHaveLength(1);
      expect((await json('/v1/invoices?limit=100')).data).toHaveLength(27);
      expect((await json(`/v1/invoices?customerId=${acme.customerId}`)).data).toHaveLength(23);
    });

    it("refuses another customer's key, and whoever has none", async () => {
      const refused = await ask(`/v1/invoices?customerId=${acme.customerId}`, other.key);
      expect([refused.status, await refused.json()]).toEqual([403, expect.objectContaining({ code: 'forbidden' })]);
      expect((await fetch(`${world.url}/v1/invoices`)).status).toBe(401);
    });

    it('filters by model and by time', async () => {
      expect((await json('/v1/invoices?model=gpt-4o-mini&limit=100', acme.key)).data).toHaveLength(12);
      expect((await json('/v1/invoices?from=2020-01-01&to=2020-02-01', acme.key)).data).toEqual([]);
    });

    it.each([
      ['limit=101', 'invalid_request'],
      ['after=nonsense', 'invalid_cursor'],
      ['from=yesterday', 'invalid_instant'],
      ['colour=red', 'invalid_request'],
      ['model=%00', 'invalid_request'],
      ['customerId=%00', 'invalid_request'],
    ])('refuses ?%s', async (query, code) => {
      const answer = await ask(`/v1/invoices?${query}`, acme.key);
      expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ code })]);
    });
  });

  describe('GET /v1/invoices/:id', () => {
    it('is open to whoever holds the id', async () => {
      const answer = await fetch(`${world.url}/v1/invoices/${invoiceIds[3]}`);
      expect(answer.headers.get('cache-control')).toBe('private, no-store');
      expect(await answer.json()).toMatchObject({
        id: invoiceIds[3],
        amount: '0.000023758',
        atoms: '23758',
        rail: 'credit',
        evidence: { apiKeyId: acme.keyId },
      });
    });

    it('is a page for a browser, in which no name is markup', async () => {
      const answer = await fetch(`${world.url}/v1/invoices/${invoiceIds[3]}`, {
        headers: { accept: 'text/html,*/*;q=0.8' },
      });
      expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(answer.headers.get('content-security-policy')).toContain(`default-src 'none'`);
      const page = await answer.text();
      expect(page).toContain('0.000023758 USD');
      expect(page).toContain('=HYPERLINK(&quot;http://evil.example&quot;');
    });

    it.each(['inv_AAAAAAAAAAAAAAAAAAAAAAAAAAA', 'x'.repeat(100), '%27;--'])('knows no %s', async (id) => {
      const answer = await fetch(`${world.url}/v1/invoices/${id}`);
      expect([answer.status, await answer.json()]).toEqual([
        404,
        expect.objectContaining({ code: 'invoice_not_found' }),
      ]);
    });
  });

  describe('GET /v1/exports/usage.csv', () => {
    const rowsOf = async (query = '', token?: string): Promise<Record<string, string>[]> =>
      parse(await (await ask(`/v1/exports/usage.csv${query}`, token)).text(), { columns: true, bom: true });

    it('equals the invoices and the revenue, as integers, in each asset', async () => {
      const rows = await rowsOf();
      const sum = (values: (string | bigint)[]) => values.reduce<bigint>((total, value) => total + BigInt(value), 0n);
      const invoices = (await json('/v1/invoices?limit=100')).data;
      for (const asset of ['USD', 'USDC']) {
        const nano = sum(rows.filter(({ currency }) => currency === asset).map(({ cost_nano }) => cost_nano ?? ''));
        const atoms = asset === 'USD' ? nano : nano / 1000n;
        expect(atoms).toBeGreaterThan(0n);
        expect(sum(invoices.filter((i: any) => i.asset === asset).map((i: any) => i.atoms))).toBe(atoms);
        const [revenue] = (await json('/admin/balances')).data.filter(
          (balance: any) => balance.account === 'revenue:inference' && balance.asset === asset,
        );
        expect(BigInt(revenue.postedAtoms)).toBe(atoms);
      }
    });

    it('says what was used, exactly, with unknown apart from zero', async () => {
      const rows = await rowsOf('', acme.key);
      expect(rows).toHaveLength(23);
      expect(rows[1]).toMatchObject({
        account_id: acme.customerId,
        account_name: 'Acme',
        api_key_id: acme.keyId,
        api_key_name: 'test',
        payer_type: 'api_key',
        model_requested: `'=HYPERLINK("http://evil.example","x")`,
        input_tokens: '12',
        output_tokens: '0',
        cached_input_tokens: '',
        cost: '0.00000792',
        currency: 'USD',
        cost_nano: '7920',
        held: '0.00000892',
        released: '0.000001',
        funding: 'paid_credit',
        invoice_id: invoiceIds[1],
        list_cost: '',
        tags: '',
      });
      const [chain] = (await rowsOf()).filter(({ currency }) => currency === 'USDC');
      expect(chain).toMatchObject({ cost: '0.000001', cost_nano: '1000', payer_type: 'x402', payer_address: WALLET });
    });

    it('is what its manifest says, byte by byte', async () => {
      for (const query of ['', `?customerId=${acme.customerId}&bom=true`]) {
        const manifest = await json(`/v1/exports/usage.manifest.json${query}`);
        const body = Buffer.from(await (await ask(`/v1/exports/usage.csv${query}`)).arrayBuffer());
        expect(createHash('sha256').update(body).digest('hex')).toBe(manifest.sha256);
        expect(body.length).toBe(manifest.bytes);
        expect(body.subarray(0, 3).toString('hex') === 'efbbbf').toBe(manifest.filter.bom);
        expect(manifest.rows).toBe((await rowsOf(query)).length);
        expect(manifest).toMatchObject({
          schemaVersion: 1,
          closed: false,
          ledgerHead: { seq: expect.stringMatching(/^\d+$/), hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
        });
      }
      const { totals } = await json('/v1/exports/usage.manifest.json');
      expect(totals).toEqual([
        { asset: 'USD', rows: 24, atoms: '2003535', amount: '0.002003535' },
        { asset: 'USDC', rows: 3, atoms: '1000335', amount: '1.000335' },
      ]);
    });

    it('is closed once the period is over and no call of it is open', async () => {
      const query = '?from=2020-01-01&to=2020-02-01';
      expect(await json(`/v1/exports/usage.manifest.json${query}`)).toMatchObject({
        closed: true,
        rows: 0,
        totals: [],
      });
      expect(await rowsOf(query)).toEqual([]);
    });

    it('is of one customer for a key, whatever it asks for', async () => {
      expect(await rowsOf('', other.key)).toHaveLength(1);
      expect((await ask(`/v1/exports/usage.csv?customerId=${acme.customerId}`, other.key)).status).toBe(403);
    });

    it.each([
      ['from=2026-02-30', 'invalid_instant'],
      ['from=2026-03-01&to=2026-02-01', 'empty_period'],
      ['bom=yes', 'invalid_request'],
    ])('refuses ?%s', async (query, code) => {
      for (const file of ['usage.csv', 'usage.manifest.json']) {
        const answer = await ask(`/v1/exports/${file}?${query}`);
        expect([answer.status, await answer.json()]).toEqual([400, expect.objectContaining({ code })]);
      }
    });
  });

  describe('the proof of the books', () => {
    const verify = () => world.app.get(LedgerVerifyService).verify();
    const failed = async () => (await verify()).checks.filter(({ ok }) => !ok).map(({ name }) => name);
    /** Past the triggers, as only a superuser can; and back. */
    const tamper = (sql: string) => asOwner(world, 'SET LOCAL session_replication_role = replica', sql);

    it('passes on clean books with calls in flight, and tells how far it is', async () => {
      const hold = { id: newId(), account: customerCredits(acme.customerId, 'USD'), amount: usd(77n) };
      await world.app.get(LedgerService).hold(hold, new Date(Date.now() + 60_000));
      const steps: VerificationProgress[] = [];
      const report = await world.app
        .get(LedgerVerifyService)
        .verify({ onProgress: (progress) => void steps.push(progress) });
      await world.app.get(LedgerService).release(hold);
      expect(report.checks.filter(({ ok }) => !ok)).toEqual([]);
      expect(report.ok).toBe(true);
      expect(Object.fromEntries(report.checks.map(({ name, checked }) => [name, checked]))).toMatchObject({
        held_amounts: 1,
        keys_and_entries: 29,
        usage_and_entries: 27,
        usage_and_invoices: 27,
      });
      const walked = steps.filter(({ step }) => step === 'chain');
      expect([walked[0], walked.at(-1)]).toMatchObject([{ done: 0 }, { done: walked[0]?.total, entries: 29 }]);
      const after = steps.slice(walked.length);
      expect(after.map(({ done }) => done)).toEqual(after.map((_, index) => index));
      expect(after.at(-1)).toMatchObject({ step: 'all months', done: (after[0]?.total ?? 0) - 1 });
      expect(await json('/admin/ledger/verify')).toMatchObject({ ok: true });
    });

    it('finds a balance that was altered', async () => {
      const account = `code = 'customer:${acme.customerId}:credits'`;
      await tamper(`UPDATE ledger_accounts SET credits_posted = credits_posted + 1 WHERE ${account}`);
      const report = await json('/admin/ledger/verify');
      expect(report.ok).toBe(false);
      expect(report.checks.filter((check: any) => !check.ok).map((check: any) => check.name)).toEqual([
        'zero_sum',
        'account_balances',
        'running_balances',
      ]);
      expect(report.checks.find((check: any) => check.name === 'account_balances').faults[0].subject).toBe(
        `customer:${acme.customerId}:credits USD`,
      );
      await tamper(`UPDATE ledger_accounts SET credits_posted = credits_posted - 1 WHERE ${account}`);
      expect(await failed()).toEqual([]);
    });

    const calls = `SELECT entry_id FROM usage_records WHERE api_key_id IS NOT NULL ORDER BY id OFFSET 5 LIMIT 1`;
    it.each([
      [
        'a hold that nobody holds',
        `UPDATE ledger_accounts SET held = held + 1 WHERE code LIKE '%:credits' AND asset = 'USDC'`,
        `UPDATE ledger_accounts SET held = held - 1 WHERE code LIKE '%:credits' AND asset = 'USDC'`,
        ['held_amounts'],
      ],
      [
        'a posting that was changed',
        `UPDATE postings SET atoms = atoms + 1 WHERE entry_id = (${calls})`,
        `UPDATE postings SET atoms = atoms - 1 WHERE entry_id = (${calls})`,
        ['flush_digests', 'account_balances', 'running_balances', 'usage_and_entries'],
      ],
      [
        'a charged call that lost its invoice',
        `UPDATE usage_records SET invoice_id = NULL, error_code = invoice_id WHERE entry_id = (${calls})`,
        `UPDATE usage_records SET invoice_id = error_code, error_code = NULL WHERE error_code LIKE 'inv_%'`,
        ['usage_and_invoices'],
      ],
      [
        'usage that was changed',
        `UPDATE usage_records SET atoms = atoms + 1 WHERE api_key_id IS NOT NULL AND entry_id = (SELECT max(entry_id) FROM usage_records WHERE api_key_id IS NOT NULL)`,
        `UPDATE usage_records SET atoms = atoms - 1 WHERE api_key_id IS NOT NULL AND entry_id = (SELECT max(entry_id) FROM usage_records WHERE api_key_id IS NOT NULL)`,
        ['usage_and_entries', 'usage_and_revenue'],
      ],
      [
        'a charge that moved to another customer',
        `UPDATE usage_records SET customer_id = 'cus_x' || customer_id WHERE entry_id = (${calls})`,
        `UPDATE usage_records SET customer_id = substr(customer_id, 6) WHERE customer_id LIKE 'cus_x%'`,
        ['usage_and_entries'],
      ],
      [
        'a key that lost its entry',
        `INSERT INTO journal_keys VALUES ('forged', gen_random_uuid(), 999999)`,
        `DELETE FROM journal_keys WHERE key = 'forged'`,
        ['keys_and_entries'],
      ],
      [
        'an entry under another key',
        `UPDATE journal_entries SET key = 'x' || key WHERE id = (${calls})`,
        `UPDATE journal_entries SET key = substr(key, 2) WHERE id = (${calls})`,
        ['flush_digests'],
      ],
      [
        'a call that vanished',
        `UPDATE usage_records SET entry_id = -entry_id, atoms = 0, error_code = asset || atoms
          WHERE id = (SELECT id FROM usage_records ORDER BY id LIMIT 1)`,
        `UPDATE usage_records SET entry_id = -entry_id, atoms = substr(error_code, length(asset) + 1)::bigint, error_code = NULL
          WHERE entry_id < 0`,
        ['usage_and_entries', 'usage_and_revenue'],
      ],
    ])('finds %s', async (_, alter, restore, names) => {
      await tamper(alter);
      expect(await failed()).toEqual(names);
      await tamper(restore);
      expect(await failed()).toEqual([]);
    });
  });

  describe('the journal', () => {
    it('lists entries with their postings, page by page', async () => {
      const seen: any[] = [];
      for (let after: string | null = ''; after !== null;) {
        const page = await json(`/admin/entries?limit=10${after === '' ? '' : `&after=${after}`}`);
        seen.push(...page.data);
        after = page.next;
      }
      const ids = seen.map(({ id }) => Number(id));
      expect(ids).toEqual([...new Set(ids)].toSorted((a, b) => b - a));
      expect(ids).toHaveLength(29);
      const [settled] = (await json('/admin/entries?kind=call_settled&limit=1')).data;
      expect(settled.postings).toMatchObject([
        { line: 1, from: expect.stringMatching(/^chain:/), asset: 'USDC', atoms: '2000002' },
        { line: 2, to: 'revenue:inference', atoms: '1000001', toBalanceAfter: '1000335' },
      ]);
    });

    it('opens for the operator alone', async () => {
      for (const path of [
        '/admin/entries',
        '/admin/balances',
        '/admin/ledger/verify',
        '/admin/customers',
        '/admin/models',
      ]) {
        expect((await ask(path, acme.key)).status).toBe(403);
      }
    });
  });

  describe('200,000 rows', () => {
    const ROWS = 200_000;
    const QUERY = '?customerId=cus_bulk';

    beforeAll(async () => {
      // As many different instants as rows, all in this month.
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

    it('stream in bounded memory, and match their manifest', async () => {
      // What V8 keeps after its first rows is not what an export holds on to: a quarter of them goes first.
      const now = new Date();
      const quarter = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth()) + ROWS / 4).toISOString();
      for await (const _ of (await ask(`/v1/exports/usage.csv${QUERY}&to=${quarter}`))
        .body as unknown as AsyncIterable<Uint8Array>);
      const before = process.memoryUsage().rss;
      let peak = before;
      const hash = createHash('sha256');
      let bytes = 0;
      const answer = await ask(`/v1/exports/usage.csv${QUERY}`);
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
      const manifest = await json(`/v1/exports/usage.manifest.json${QUERY}`);
      expect(manifest).toMatchObject({
        rows: ROWS,
        bytes,
        sha256: hash.digest('hex'),
        totalCostNano: ((BigInt(ROWS) * BigInt(ROWS + 1)) / 2n).toString(),
      });
    }, 180_000);

    it('are listed as invoices along an index, month by month', async () => {
      for (const [index, where] of [
        ['customer_id_occurred_at_id_idx', `customer_id = '${acme.customerId}' AND`],
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

    const linesFor = async (key: string) =>
      (await (await ask('/v1/exports/usage.csv', key)).text()).split('\r\n').length - 1;
    const cursors = async () =>
      Number(
        (
          await database.query<{ n: bigint }>(
            `SELECT count(*) AS n FROM pg_stat_activity WHERE query LIKE 'FETCH%' AND state <> 'idle'`,
          )
        )[0]?.n,
      );
    const until = async (wanted: () => Promise<boolean>) => {
      for (const end = Date.now() + 10_000; Date.now() < end;) {
        if (await wanted()) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      throw new Error('it did not come to that');
    };

    it('wait for a slow reader, and let go of the cursor when it goes away', async () => {
      const request = get(`${world.url}/v1/exports/usage.csv${QUERY}`, {
        headers: { authorization: `Bearer ${world.adminToken}` },
      });
      request.on('error', () => undefined);
      // Nobody reads the answer: the sockets fill up and the cursor stays where it is.
      const answer = await new Promise<NodeJS.ReadableStream>((resolve) => request.on('response', resolve));
      answer.on('error', () => undefined);
      await until(async () => (await cursors()) === 1);
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(await cursors()).toBe(1);
      request.destroy();
      await until(async () => (await cursors()) === 0);
    });

    it('are refused beyond a few at once, and nothing else waits', async () => {
      const open = [1, 2, 3, 4].map(() => {
        const request = get(`${world.url}/v1/exports/usage.csv${QUERY}`, {
          headers: { authorization: `Bearer ${world.adminToken}` },
        });
        request.on('error', () => undefined).on('response', (answer) => answer.on('error', () => undefined));
        return request;
      });
      await until(async () => (await cursors()) === 4);
      const busy = await ask('/v1/exports/usage.csv');
      expect([busy.status, busy.headers.get('retry-after'), await busy.json()]).toEqual([
        503,
        '5',
        expect.objectContaining({ code: 'exports_busy' }),
      ]);
      expect((await json('/v1/invoices', acme.key)).data).toHaveLength(23);
      for (const request of open) request.destroy();
      await until(async () => (await cursors()) === 0);
      expect(await linesFor(acme.key)).toBe(24);
    });

    it('end with a broken answer, not a short one, when the database goes away', async () => {
      const request = get(`${world.url}/v1/exports/usage.csv${QUERY}`, {
        headers: { authorization: `Bearer ${world.adminToken}` },
      });
      request.on('error', () => undefined);
      const answer = await new Promise<NodeJS.ReadableStream>((resolve) => request.on('response', resolve));
      await until(async () => (await cursors()) === 1);
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
      expect(await linesFor(acme.key)).toBe(24);
    });
  });
});
