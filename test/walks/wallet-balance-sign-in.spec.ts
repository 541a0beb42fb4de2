import { ExactEvmScheme } from '@x402/evm';
import { createSIWxClientExtension } from '@x402/extensions/sign-in-with-x';
import { wrapFetchWithPayment, x402Client } from '@x402/fetch';
import type { Hex, PrivateKeyAccount } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { readArtifact } from '../../src/local/artifacts';
import { payerWith, usdcBalance } from '../support/chain';
import { allCut, allPass } from '../support/rpc-proxy';
import { challengeOf, signChallenge, type SigningWallet } from '../support/sign-in';
import { payingWallet, topUpWallet } from '../support/transfers';
import { chat } from '../support/world';
import {
  countOfBooks,
  expectBooksAsOnChain,
  startX402World,
  untilOffered,
  walletCredit,
  type X402World,
} from '../support/x402-world';

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ env: { X402_EXTENSIONS: 'sign-in-with-x' } });
});
afterAll(() => world?.stop());

/** Its price is known before it is answered: $0.1. */
const CHAT = JSON.stringify({ model: 'flat', messages: [{ role: 'user', content: 'Hello.' }] });
const challenged = async (body = {}) => challengeOf(await chat(world.url, undefined, body));
const show = (headers: Record<string, string>) => fetch(`${world.url}/v1/wallet`, { headers });

/** `@x402/fetch` and the published extension, with nothing of ours. */
function stockClient(payer: PrivateKeyAccount): () => Promise<Response> {
  const client = new x402Client()
    .register('eip155:*', new ExactEvmScheme(payer))
    .registerExtension(createSIWxClientExtension({ signers: [payer] }));
  const paying = wrapFetchWithPayment(fetch, client);
  return () =>
    paying(`${world.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: CHAT,
    });
}

test('the stock client pays, draws when there is a balance, and pays again when it is used up', async () => {
  const payer = await payerWith(world.chain, 1_000_000n);
  const call = stockClient(payer);
  const railOf = async (response: Response) => {
    expect(response.status).toBe(200);
    const invoice = await fetch(`${world.url}/v1/invoices/${response.headers.get('x-tollbridge-invoice')}`);
    return ((await invoice.json()) as { rail: string }).rail;
  };

  expect(await railOf(await call())).toBe('exact');
  await topUpWallet(world, payer, '0.15');
  const drawn = await call();
  expect(await railOf(drawn)).toBe('wallet');
  expect(drawn.headers.get('x-tollbridge-balance')).toBe('0.05');
  expect(await railOf(await call())).toBe('exact');
  expect(await usdcBalance(world.chain, payer.address)).toBe(1_000_000n - 350_000n);
  expect(await walletCredit(world, payer.address)).toBe(50_000n);
  await expectBooksAsOnChain(world);
});

test.each([
  ['plain', { n: 1 }],
  ['streamed', { stream: true }],
])('one sign-in draws for one %s call, however often it is sent', async (_, body) => {
  const payer = await payerWith(world.chain, 1_000_000n);
  await topUpWallet(world, payer, '1');
  const headers = await signChallenge(payer, await challenged(body));
  const calls = world.upstream.calls().length;

  const copies = Array.from({ length: 20 }, () => chat(world.url, undefined, body, headers));
  const responses = await Promise.all(copies);
  expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
  expect(new Set(await Promise.all(responses.map((response) => response.text()))).size).toBe(1);
  expect(world.upstream.calls().length - calls).toBe(1);

  const other = await chat(world.url, undefined, { ...body, max_tokens: 7 }, headers);
  expect(other.status).toBe(402);
  expect(await other.json()).toMatchObject({ code: 'invalid_siwx_nonce' });
  expect(world.upstream.calls().length - calls).toBe(1);
  await expectBooksAsOnChain(world);
});

test('only the wallet reads its balance: the challenge comes with a 402 that asks for no money', async () => {
  const payer = await payerWith(world.chain, 1_000_000n);
  await topUpWallet(world, payer, '0.5');

  const unknown = await show({});
  expect(unknown.status).toBe(402);
  const required = JSON.parse(Buffer.from(unknown.headers.get('payment-required') ?? '', 'base64').toString());
  expect(required).toMatchObject({ accepts: [], extensions: { 'sign-in-with-x': { info: { version: '1' } } } });

  const headers = await signChallenge(payer, challengeOf(unknown));
  const shown = await show(headers);
  expect({ status: shown.status, body: await shown.json() }).toEqual({
    status: 200,
    body: { address: payer.address.toLowerCase(), asset: 'USDC', balance: '0.5', available: '0.5', owed: '0' },
  });
  const replayed = await show(headers);
  expect(replayed.status).toBe(402);
  expect(await replayed.json()).toMatchObject({ code: 'invalid_siwx_nonce' });

  const stranger = privateKeyToAccount(generatePrivateKey());
  expect(await (await show(await signChallenge(stranger, challengeOf(replayed)))).json()).toMatchObject({
    address: stranger.address.toLowerCase(),
    balance: '0',
  });
});

test('every bad sign-in has its own reason, and does nothing', async () => {
  const payer = await payerWith(world.chain, 1_000_000n);
  await topUpWallet(world, payer, '0.5');
  const stranger = privateKeyToAccount(generatePrivateKey());
  const before = await countOfBooks(world);
  const bad: [Record<string, string>, number, string][] = [
    [{ 'sign-in-with-x': 'AAAA' }, 400, 'invalid_siwx_header'],
    [{ 'sign-in-with-x': '!' }, 400, 'invalid_siwx_header'],
    [
      await changed(payer, { domain: 'evil.example', uri: 'http://evil.example/v1/wallet' }),
      402,
      'invalid_siwx_domain_mismatch',
    ],
    [await changed(payer, { uri: `${world.url}/v1/wallet/withdrawals` }), 402, 'invalid_siwx_uri_mismatch'],
    [
      await changed(payer, { issuedAt: new Date(Date.now() - 3_600_000).toISOString() }),
      402,
      'invalid_siwx_issued_at_too_old',
    ],
    [await changed(payer, { expirationTime: new Date(Date.now() - 1).toISOString() }), 402, 'invalid_siwx_expired'],
    [await changed(payer, { chainId: 'eip155:1' }), 402, 'invalid_siwx_unsupported_chain'],
    [await changed(payer, { nonce: 'f'.repeat(64) }), 402, 'invalid_siwx_nonce'],
    [await changed({ ...stranger, address: payer.address }, {}), 402, 'invalid_siwx_signature'],
  ];
  for (const [headers, status, code] of bad) {
    const response = await show(headers);
    expect({ status: response.status, ...((await response.json()) as object) }).toMatchObject({ status, code });
  }
  expect(await countOfBooks(world)).toEqual(before);
});

test('a contract wallet signs in by EIP-1271, and waits while the chain cannot be asked', async () => {
  const owner = await payingWallet(world.chain, 0n);
  const { abi, bytecode } = readArtifact('ContractWallet');
  const deployed = await owner.deployContract({ abi, bytecode, args: [owner.account.address], chain: null });
  const { contractAddress } = await owner.waitForTransactionReceipt({ hash: deployed });
  const contract: SigningWallet = { ...owner.account, address: contractAddress as Hex };

  const headers = await signChallenge(contract, challengeOf(await show({})));
  world.node.rule = allCut;
  const waiting = await show(headers).finally(() => (world.node.rule = allPass));
  expect(waiting.status).toBe(503);
  expect(await waiting.json()).toMatchObject({ code: 'chain_unavailable' });
  await untilOffered(world);
  expect(await (await show(headers)).json()).toMatchObject({ address: (contractAddress as Hex).toLowerCase() });

  const stranger = privateKeyToAccount(generatePrivateKey());
  const forged = await signChallenge({ ...stranger, address: contract.address }, challengeOf(await show({})));
  expect(await (await show(forged)).json()).toMatchObject({ code: 'invalid_siwx_signature' });
});

test('a wallet without enough is told what is missing, with every way to pay', async () => {
  const payer = await payerWith(world.chain, 1_000_000n);
  await topUpWallet(world, payer, '0.05');
  const flat = { model: 'flat' };
  const response = await chat(world.url, undefined, flat, await signChallenge(payer, await challenged(flat)));
  expect(response.status).toBe(402);
  expect(await response.json()).toMatchObject({
    code: 'insufficient_wallet_credit',
    required: '0.1',
    available: '0.05',
    missing: '0.05',
    accepts: [{ scheme: 'exact' }],
  });
});

/** A challenge that is signed with something else in it. */
async function changed(wallet: SigningWallet, change: Record<string, unknown>): Promise<Record<string, string>> {
  const { info, supportedChains } = challengeOf(await show({}));
  return signChallenge(wallet, { info, supportedChains }, change);
}
