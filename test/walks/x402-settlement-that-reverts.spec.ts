import { createWalletClient, http, type Hex, parseTransaction, type PrivateKeyAccount } from 'viem';
import { customerReceivable } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { DEV_WALLETS, fundEth, mintUsdc } from '../../src/local/chain';
import type { PaymentRequirements } from '../../src/payments/payment-scheme';
import { until } from '../support/calls';
import { payerWith, pastOnChain, receivedOnChain, usdcBalance } from '../support/chain';
import { allPass, concerns, type Fate } from '../support/rpc-proxy';
import { topUpWallet } from '../support/transfers';
import { sendUsdc, signUpto, uptoPayerWith } from '../support/upto';
import {
  askedFor,
  expectBooksAsOnChain,
  inHeader,
  signPayment,
  sql,
  startX402World,
  type X402World,
} from '../support/x402-world';
import { chat } from '../support/world';

const ONE_USDC = 1_000_000n;
/** The shortest that a payment may be valid, and one second more. */
const SHORT_SECONDS = 8;
const ELSEWHERE = '0x90F79bf6EB2c4f870365E785982E1f101E93b906';

let world: X402World;
let calls: number;

beforeAll(async () => {
  world = await startX402World();
});
beforeEach(() => {
  calls = world.upstream.calls().length;
});
afterEach(async () => {
  world.node.rule = allPass;
  await expectBooksAsOnChain(world);
});
afterAll(() => world?.stop());

const asked = (scheme: string): Promise<PaymentRequirements> => askedFor(chat(world.url, undefined), scheme);
const soon = () => String(Math.floor(Date.now() / 1000) + SHORT_SECONDS);
const claimOf = async ({ address }: PrivateKeyAccount) =>
  (await sql(world, 'SELECT * FROM claims WHERE key LIKE $1', [`%${address.toLowerCase()}%`]))[0];
const inState = (payer: PrivateKeyAccount, state: string) =>
  until(
    () => claimOf(payer),
    (claim) => claim?.state === state,
    30_000,
  );
const owedBy = async (payer: PrivateKeyAccount): Promise<bigint> => {
  const { customer_id: customerId } = await claimOf(payer);
  return -(await world.app.get(LedgerAccountsService).balance(customerReceivable(customerId, 'USDC'))).posted.atoms;
};
const sentFor = (payer: PrivateKeyAccount) =>
  sql(
    world,
    `SELECT hash, raw, state FROM chain_transactions JOIN chain_calls ON transaction = hash WHERE reference LIKE $1`,
    [`%${payer.address.toLowerCase()}%`],
  );

async function exactPayer() {
  const payer = await payerWith(world.chain, ONE_USDC);
  await fundEth(world.chain.rpcUrl, payer.address, 10n ** 18n);
  return payer;
}

/** The payer's money goes elsewhere right before its settlement is broadcast, which therefore reverts in its block. */
function emptiedInTime(payer: PrivateKeyAccount): void {
  world.node.rule = async (call): Promise<Fate> => {
    if (call.method !== 'eth_sendRawTransaction' || !concerns(call, payer.address)) return 'pass';
    world.node.rule = allPass;
    await sendUsdc(world.chain, payer, 'transfer', ELSEWHERE, await usdcBalance(world.chain, payer.address));
    return 'pass';
  };
}

async function expectInDoubt(response: Response, payer: PrivateKeyAccount): Promise<void> {
  const [sent] = await sentFor(payer);
  expect(sent.state).toBe('reverted');
  expect({ status: response.status, ...((await response.json()) as object) }).toMatchObject({
    status: 503,
    code: 'settlement_in_doubt',
    transaction: sent.hash,
  });
  expect(response.headers.has('payment-required')).toBe(false);
}

test.each([
  ['plain', { n: 1 }],
  ['streamed', { stream: true }],
])(
  'exact, %s: anybody could still send it, so no 402; once the payer has its money again, it is paid',
  async (_, body) => {
    const payer = await exactPayer();
    const headers = inHeader(await signPayment(payer, await asked('exact')));
    const send = () => chat(world.url, undefined, body, headers);
    emptiedInTime(payer);

    await expectInDoubt(await send(), payer);
    await expectInDoubt(await send(), payer);
    await mintUsdc(world.chain.rpcUrl, payer.address, ONE_USDC);
    await until(
      () => claimOf(payer),
      ({ state }) => state === 'settled' || state === 'paid',
      30_000,
    );

    const answer = await send();
    expect(answer.status).toBe(200);
    expect(await (await send()).text()).toBe(await answer.text());
    expect(world.upstream.calls().length - calls).toBe(1);
    expect((await sentFor(payer)).filter(({ state }) => state === 'mined')).toHaveLength(1);
  },
);

test('exact: a stranger who saw the failed transaction sends it: that is the payment, and it is paid once', async () => {
  const payer = await exactPayer();
  const required = await asked('exact');
  const headers = inHeader(await signPayment(payer, required));
  const send = () => chat(world.url, undefined, {}, headers);
  emptiedInTime(payer);
  await expectInDoubt(await send(), payer);
  world.node.rule = ({ method }) => (method === 'eth_estimateGas' ? 'cut' : 'pass');

  await mintUsdc(world.chain.rpcUrl, payer.address, ONE_USDC);
  const [{ raw }] = await sentFor(payer);
  const { to, data } = parseTransaction(raw as Hex);
  const stranger = createWalletClient({ account: payer, transport: http(world.chain.rpcUrl) });
  await stranger.sendTransaction({ to, data, chain: null });
  world.node.rule = allPass;
  await inState(payer, 'settled');

  expect((await send()).status).toBe(200);
  expect(await usdcBalance(world.chain, payer.address)).toBe(ONE_USDC - BigInt(required.amount));
});

test('exact: when it has lapsed on the chain nobody can send it, and a 402 asks for another one', async () => {
  const payer = await exactPayer();
  const validBefore = soon();
  const headers = inHeader(await signPayment(payer, await asked('exact'), { validBefore }));
  const received = await receivedOnChain(world.chain);
  emptiedInTime(payer);
  await expectInDoubt(await chat(world.url, undefined, {}, headers), payer);

  await pastOnChain(world.chain, Number(validBefore));
  await inState(payer, 'failed');

  const refused = await chat(world.url, undefined, {}, headers);
  expect(refused.status).toBe(402);
  const text = await refused.text();
  expect(JSON.parse(text).code).toBe('invalid_exact_evm_payload_authorization_valid_before');
  expect(text).not.toContain('choices');
  expect(await receivedOnChain(world.chain)).toBe(received);
});

test('upto: only we can send it, so an answer in one piece is refused at once, and nothing is sent again', async () => {
  const payer = await uptoPayerWith(world.chain, ONE_USDC);
  const headers = inHeader(await signUpto(payer, await asked('upto')));
  emptiedInTime(payer);

  const refused = await chat(world.url, undefined, {}, headers);
  expect(refused.status).toBe(402);
  const text = await refused.text();
  expect(JSON.parse(text).code).toBe('invalid_upto_evm_transaction_failed');
  expect(text).not.toContain('choices');
  expect(await claimOf(payer)).toMatchObject({ state: 'failed' });
  await mintUsdc(world.chain.rpcUrl, payer.address, ONE_USDC);
  expect((await chat(world.url, undefined, {}, headers)).status).toBe(402);
  expect(await usdcBalance(world.chain, payer.address)).toBe(ONE_USDC);
  expect(await owedBy(payer)).toBe(0n);
});

test('upto: a stream has left, so its settlement is tried again, and is no debt once it comes', async () => {
  const payer = await uptoPayerWith(world.chain, ONE_USDC);
  emptiedInTime(payer);
  const headers = inHeader(await signUpto(payer, await asked('upto')));
  expect(await (await chat(world.url, undefined, { stream: true }, headers)).text()).toContain('[DONE]');
  await inState(payer, 'in_doubt');

  expect(await owedBy(payer)).toBe(0n);
  await mintUsdc(world.chain.rpcUrl, payer.address, ONE_USDC);
  const { capture } = await inState(payer, 'settled');
  expect(await owedBy(payer)).toBe(0n);
  expect(await usdcBalance(world.chain, payer.address)).toBe(ONE_USDC - BigInt(capture.charge));
});

test('upto: a stream whose payment lapses is owed; who repays with a top-up is served again', async () => {
  const payer = await uptoPayerWith(world.chain, ONE_USDC);
  const deadline = soon();
  emptiedInTime(payer);
  const headers = inHeader(await signUpto(payer, await asked('upto'), { deadline }));
  expect((await chat(world.url, undefined, { stream: true }, headers)).status).toBe(200);
  const { capture } = await inState(payer, 'in_doubt');

  await pastOnChain(world.chain, Number(deadline));
  await inState(payer, 'failed');
  expect(await owedBy(payer)).toBe(BigInt(capture.charge));
  const pay = async () => chat(world.url, undefined, {}, inHeader(await signUpto(payer, await asked('upto'))));
  await mintUsdc(world.chain.rpcUrl, payer.address, ONE_USDC);
  const refused = await pay();
  expect({ status: refused.status, ...((await refused.json()) as object) }).toMatchObject({
    status: 402,
    code: 'payment_owed',
  });

  await topUpWallet(world, payer, '0.5');
  expect(await owedBy(payer)).toBe(0n);
  expect((await pay()).status).toBe(200);
  expect(await usdcBalance(world.chain, DEV_WALLETS.payTo.address)).toBe(await receivedOnChain(world.chain));
});
