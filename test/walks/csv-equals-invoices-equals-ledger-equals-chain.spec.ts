import { createHash } from 'node:crypto';
import { ExactEvmScheme } from '@x402/evm';
import { wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import { parse } from 'csv-parse/sync';
import { parseMoney } from '../../src/common/money';
import { revenue } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { payerWith, receivedOnChain } from '../support/chain';
import { chat, customerWith } from '../support/world';
import { startX402World, type X402World } from '../support/x402-world';

let world: X402World;

beforeAll(async () => {
  world = await startX402World();
});
afterAll(() => world?.stop());

const admin = (path: string) =>
  fetch(`${world.url}${path}`, { headers: { authorization: `Bearer ${world.adminToken}` } });

const sumOf = <Row>(rows: readonly Row[], atoms: (row: Row) => bigint): bigint =>
  rows.reduce((sum, row) => sum + atoms(row), 0n);

const revenueIn = async (asset: 'USD' | 'USDC'): Promise<bigint> =>
  (await world.app.get(LedgerAccountsService).balance(revenue(asset))).posted.atoms;

/** Calls on both rails, plain and streamed, metered and at a fixed price, and one that fails. */
async function callOnEveryRail(): Promise<void> {
  const { key } = await customerWith(world, 1_000_000_000n);
  const account = await payerWith(world.chain, 1_000_000n);
  const paying = wrapFetchWithPaymentFromConfig(fetch, {
    schemes: [{ network: 'eip155:*', client: new ExactEvmScheme(account) }],
  });
  const pay = (path: string, body: object) =>
    paying(`${world.url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const messages = [{ role: 'user', content: 'Say something.' }];
  const answers = [
    await chat(world.url, key),
    await chat(world.url, key, { stream: true }),
    await chat(world.url, key, { model: 'flat' }),
    await pay('/v1/chat/completions', { model: 'gpt-4o-mini', max_tokens: 77, messages }),
    await pay('/v1/chat/completions', { model: 'gpt-4o-mini', max_tokens: 33, messages, stream: true }),
    await pay('/v1/embeddings', { model: 'text-embedding-3-small', input: 'a bridge' }),
    await pay('/v1/images/generations', { model: 'dall-e-3', prompt: 'a bridge' }),
  ];
  for (const answer of answers) expect(answer.status).toBe(200);
  await Promise.all(answers.map((answer) => answer.arrayBuffer()));
  expect((await chat(world.url, key, {}, { 'x-upstream-behave': 'fail=500' })).status).toBe(502);
}

test('the CSV is the invoices is the ledger is the chain, as integers', async () => {
  await callOnEveryRail();

  const csv = Buffer.from(await (await admin('/v1/exports/usage.csv')).arrayBuffer());
  const rows = parse<Record<string, string>>(csv, { columns: true });
  const invoices = ((await (await admin('/v1/invoices?limit=100')).json()) as { data: Invoice[] }).data;
  const charged = rows.filter((row) => row['invoice_id'] !== '');
  expect(charged).toHaveLength(7);
  expect(new Set(invoices.map(({ id }) => id))).toEqual(new Set(charged.map((row) => row['invoice_id'])));

  for (const asset of ['USD', 'USDC'] as const) {
    const inCsv = sumOf(
      rows.filter((row) => row['currency'] === asset),
      (row) => parseMoney(row['cost'] as string, asset).atoms,
    );
    const invoiced = sumOf(
      invoices.filter((invoice) => invoice.asset === asset),
      (invoice) => BigInt(invoice.atoms),
    );
    expect(inCsv).toBeGreaterThan(0n);
    expect([invoiced, await revenueIn(asset)]).toEqual([inCsv, inCsv]);
  }

  // What was held of a USDC call is what was settled: charge and credited rest are the transfer.
  const settled = rows.filter((row) => row['tx_hash'] !== '');
  expect(sumOf(settled, (row) => parseMoney(row['held'] as string, 'USDC').atoms)).toBe(
    await receivedOnChain(world.chain),
  );

  const manifest = (await (await admin('/v1/exports/usage.manifest.json')).json()) as { rows: number; sha256: string };
  expect(manifest.rows).toBe(8);
  expect(manifest.sha256).toBe(createHash('sha256').update(csv).digest('hex'));
  expect(await (await admin('/admin/ledger/verify')).json()).toMatchObject({ ok: true });
});

interface Invoice {
  readonly id: string;
  readonly asset: 'USD' | 'USDC';
  readonly atoms: string;
}
