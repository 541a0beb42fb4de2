import { createHash } from 'node:crypto';
import { parse } from 'csv-parse/sync';
import { startTestApp, type TestApp } from '../support/app';
import { bookChainCall, bookCreditCall } from '../support/books';
import { get } from '../support/calls';
import { customerWith } from '../support/world';

const WALLET = '0x70997970c51812dc3a010c7d01b50e0d17dc79c8';

type Buyer = Awaited<ReturnType<typeof customerWith>>;

describe('invoices, the usage export and the journal', () => {
  let world: TestApp;
  let acme: Buyer;
  let other: Buyer;
  const invoiceIds: string[] = [];

  beforeAll(async () => {
    world = await startTestApp();
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
  const ask = (path: string, token?: string) => get(world, path, token);
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
});
