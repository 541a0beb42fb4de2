import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestClient, http } from 'viem';
import { type LocalChain, startChain } from '../../src/local/chain';
import { json, until } from '../support/calls';
import { usdcBalance } from '../support/chain';
import { signUpto } from '../support/upto';
import { chat, customerWith } from '../support/world';
import {
  expectBooksAsOnChain,
  inHeader,
  payersWith,
  rowsOf,
  type SignedPayment,
  signPayment,
  sql,
  startX402World,
  untilOffered,
  type X402World,
} from '../support/x402-world';

const ONE_USDC = 1_000_000n;

const directory = mkdtempSync(join(tmpdir(), 'tollbridge-test-chain-'));
const statePath = join(directory, 'chain.json');
let world: X402World;
let restarted: LocalChain | undefined;

beforeAll(async () => {
  world = await startX402World({ statePath });
});
afterAll(async () => {
  await restarted?.stop();
  await world?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const send = (payment: SignedPayment, body = {}) => chat(world.url, undefined, body, inHeader(payment));
const codeOf = async (response: Response): Promise<[number, string]> => [response.status, (await json(response)).code];
/** In one transaction or in two: those that arrive together are sent together. */
const inFlight = () =>
  sql(world, `SELECT reference FROM chain_calls JOIN chain_transactions ON hash = transaction WHERE state = 'signed'`);
const unfinished = () => sql(world, `SELECT key, state FROM claims WHERE state IN ('working', 'settling', 'in_doubt')`);

test('credit goes on while the chain is away, the 402 says so, and what was in flight is paid once it is back', async () => {
  const payers = await payersWith(world.chain, 3, ONE_USDC);
  const [required, uptoRow] = await rowsOf(chat(world.url, undefined));
  const signed = payers.map((payer) => signPayment(payer, required!));
  const [plain, streamed, late] = (await Promise.all(signed)) as [SignedPayment, SignedPayment, SignedPayment];
  const { key } = await customerWith(world, 1_000_000_000n);

  // Two settlements are broadcast and in no block when the chain ends: it forgets them.
  await createTestClient({ mode: 'anvil', transport: http(world.chain.rpcUrl) }).setIntervalMining({ interval: 3600 });
  await createTestClient({ mode: 'anvil', transport: http(world.chain.rpcUrl) }).setAutomine(false);
  const waiting = [send(plain), send(streamed, { stream: true })];
  await until(inFlight, (sent) => sent.length === 2);
  await world.chain.stop();
  const doubtful = await Promise.all(waiting);
  for (const response of doubtful) expect(await codeOf(response)).toEqual([503, 'settlement_in_doubt']);

  // Nobody is offered the chain any more, and the 402 says why and what works.
  await until(
    () => rowsOf(chat(world.url, undefined)),
    (rows) => rows.length === 0,
  );
  const unpaid = await chat(world.url, undefined);
  expect([unpaid.status, unpaid.headers.get('retry-after')]).toEqual([402, '5']);
  const problem = await json(unpaid);
  expect(problem).toMatchObject({
    code: 'payment_required',
    accepts: [],
    topUpUrl: expect.stringContaining('/v1/topups'),
    unavailable: [{ rail: 'x402', network: required!.network, code: 'chain_unavailable', retryAfter: 5 }],
  });
  expect(problem.detail).toContain('Prepaid credit works');

  // Credit is not slowed down by it; a payment that nothing is known of is refused before any work.
  const calls = world.upstream.calls().length;
  const paid = await Promise.all(Array.from({ length: 20 }, () => chat(world.url, key)));
  expect(paid.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
  const ceiling = await signUpto(payers[2]!, uptoRow!);
  for (const refused of [await send(late), await chat(world.url, undefined, {}, inHeader(ceiling))]) {
    expect(await codeOf(refused)).toEqual([503, 'chain_unavailable']);
    expect(refused.headers.get('retry-after')).toBe('5');
  }
  expect(world.upstream.calls().length - calls).toBe(20);
  // What may still land is never a 402, and never taken for a new payment.
  expect(await codeOf(await send(plain))).toEqual([503, 'settlement_in_doubt']);

  restarted = await startChain({ statePath, port: Number(new URL(world.chain.rpcUrl).port) });
  expect(await untilOffered(world)).toEqual(await rowsOf(chat(world.url, undefined)));
  expect(await json(await chat(world.url, undefined))).not.toHaveProperty('unavailable');
  expect((await send(late)).status).toBe(200);
  await until(unfinished, (claims) => claims.length === 0, 40_000);
  const answers = [await send(plain), await send(streamed, { stream: true })];
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  await Promise.all(answers.map((answer) => answer.text()));
  for (const { address } of payers) {
    expect(await usdcBalance(world.chain, address)).toBe(ONE_USDC - BigInt(required!.amount));
  }
  await expectBooksAsOnChain(world);
}, 120_000);
