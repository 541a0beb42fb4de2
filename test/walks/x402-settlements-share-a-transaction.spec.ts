import type { PrivateKeyAccount } from 'viem';
import { DEV_WALLETS } from '../../src/local/chain';
import {
  askedFor,
  expectBooksAsOnChain,
  inHeader,
  payersWith,
  signPayment,
  sql,
  startX402World,
  type X402World,
} from '../support/x402-world';
import { chat } from '../support/world';

const WALLETS = 64;

let world: X402World;
afterEach(() => world?.stop());

test.each([
  ['that mines at once', {}],
  ['with a block every second', { blockTimeSeconds: 1 }],
])('sixty-four wallets pay at once, through two replicas and one hot wallet, on a chain %s', async (_kind, options) => {
  world = await startX402World({ replicas: 2, ...options });
  const required = await askedFor(chat(world.url, undefined));
  const payers = await payersWith(world.chain, WALLETS, 1_000_000n);
  const payments = await Promise.all(payers.map((payer) => signPayment(payer, required)));

  const responses = await Promise.all(
    payments.map((payment, index) =>
      chat((world.replicas[index % 2] as X402World).url, undefined, {}, inHeader(payment)),
    ),
  );

  const bodies = await Promise.all(responses.map((response) => response.text()));
  expect(bodies.filter((_, index) => responses[index]?.status !== 200)).toEqual([]);
  expect(await expectBooksAsOnChain(world)).toBe(BigInt(required.amount) * BigInt(WALLETS));

  const sent = await sql(world, 'SELECT nonce, state FROM chain_transactions ORDER BY nonce');
  const first = sent[0].nonce;
  expect(sent.map(({ nonce }) => nonce)).toEqual(sent.map((_, index) => first + BigInt(index)));
  const [signer] = await sql(world, 'SELECT * FROM chain_signers');
  expect(signer).toEqual({
    network: 'eip155:84532',
    address: DEV_WALLETS.facilitator.address,
    next_nonce: first + BigInt(sent.length),
  });
  // What arrives together shares a transaction; how much of it does depends on how fast the machine takes it in.
  expect(sent.length).toBeLessThan(WALLETS);
  const [shared] = await sql(world, 'SELECT max(position)::int AS position FROM chain_calls');
  expect(shared.position).toBeGreaterThan(0);
  const calls = await sql(world, 'SELECT count(DISTINCT reference)::int AS calls FROM chain_calls');
  const settled = await sql(world, `SELECT key FROM claims WHERE state = 'settled'`);
  expect({ calls: calls[0].calls, settled: settled.length }).toEqual({ calls: WALLETS, settled: WALLETS });
});

test('two payments of a wallet that has the money for one, at two replicas, among others: one fails, alone, and waits for its money', async () => {
  world = await startX402World({ blockTimeSeconds: 1, replicas: 2 });
  const required = await askedFor(chat(world.url, undefined));
  const amount = BigInt(required.amount);
  const [poor, ...others] = await payersWith(world.chain, 16, amount);
  const payers = [poor, poor, ...others] as PrivateKeyAccount[];
  const payments = await Promise.all(payers.map((payer) => signPayment(payer, required)));

  const urlOf = (index: number) => (world.replicas[index % 2] as X402World).url;
  const responses = await Promise.all(
    payments.map((payment, index) => chat(urlOf(index), undefined, {}, inHeader(payment))),
  );

  const statuses = responses.map(({ status }) => status);
  expect(statuses.slice(0, 2).toSorted((a, b) => a - b)).toEqual([200, 503]);
  expect(statuses.slice(2)).toEqual(others.map(() => 200));
  const waiting = responses.find(({ status }) => status === 503) as Response;
  expect(await waiting.json()).toMatchObject({ code: 'settlement_in_doubt' });
  expect(await expectBooksAsOnChain(world)).toBe(amount * 16n);
  const [shared] = await sql(world, 'SELECT max(position)::int AS position FROM chain_calls');
  expect(shared.position).toBeGreaterThan(0);
});
