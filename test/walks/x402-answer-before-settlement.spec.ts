import { ExactEvmScheme } from '@x402/evm';
import { decodePaymentResponseHeader, wrapFetchWithPaymentFromConfig, x402Client, x402HTTPClient } from '@x402/fetch';
import { createWalletClient, http, parseAbi, type PrivateKeyAccount, publicActions } from 'viem';
import { DEV_WALLETS, fundEth } from '../../src/local/chain';
import { GasBooks } from '../../src/payments/chain/gas-books.service';
import { eventsOf, until } from '../support/calls';
import { payerWith, pastOnChain, usdcBalance } from '../support/chain';
import { answerAfterClaim, promisedBy } from '../support/answers-after-claim';
import { allPass, type Rule } from '../support/rpc-proxy';
import {
  askedFor,
  expectBooksAsOnChain,
  inHeader,
  signPayment,
  sql,
  startX402World,
  walletCredit,
  type X402World,
} from '../support/x402-world';
import { topUpWallet } from '../support/transfers';
import { sendUsdc } from '../support/upto';
import { chat } from '../support/world';

const ONE_USDC = 1_000_000n;

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ env: { X402_EXPOSURE_PER_PAYER_USDC: '0.00007', X402_EXPOSURE_TOTAL_USDC: '0.001' } });
  await answerAfterClaim(world);
});
afterEach(async () => {
  world.node.rule = allPass;
  await settledAll();
  await expectBooksAsOnChain(world);
});
afterAll(() => world?.stop());

/** As if no block came: what is sent is swallowed by a node that answers nothing to it. */
const nothingLands: Rule = ({ method }) => (method === 'eth_sendRawTransaction' ? 'cut' : 'pass');

const settledAll = () =>
  until(
    () => sql(world, `SELECT key, state FROM claims WHERE state IN ('working', 'settling', 'in_doubt', 'promised')`),
    (open) => open.length === 0,
    30_000,
  );

const receiptOf = (response: Response) =>
  decodePaymentResponseHeader(response.headers.get('payment-response') as string);

const claimOf = async (payer: PrivateKeyAccount) =>
  (await sql(world, 'SELECT * FROM claims WHERE key LIKE $1', [`%${payer.address.toLowerCase()}%`]))[0];

test('an unmodified client has its answer while no block comes; its books say so, and then that it was paid', async () => {
  const payer = await payerWith(world.chain, ONE_USDC);
  const paying = wrapFetchWithPaymentFromConfig(fetch, {
    schemes: [{ network: 'eip155:*', client: new ExactEvmScheme(payer) }],
  });
  world.node.rule = nothingLands;
  const body = { model: 'gpt-4o-mini', max_tokens: 50, messages: [{ role: 'user', content: 'Say something.' }] };
  const headers = { 'content-type': 'application/json' };
  const response = await paying(`${world.url}/v1/chat/completions`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  });

  expect(response.status).toBe(200);
  const parsed = await new x402HTTPClient(new x402Client()).processResponse(response.clone());
  expect(parsed).toMatchObject({ paymentStatus: 'settled' });
  const receipt = receiptOf(response);
  expect(receipt).toMatchObject({ success: true, transaction: '', extra: { settlement: 'pending' } });
  expect(await usdcBalance(world.chain, payer.address)).toBe(ONE_USDC);
  const invoiceId = response.headers.get('x-tollbridge-invoice');
  // oxlint-disable-next-line typescript/no-explicit-any -- an invoice, looked into
  const invoice: any = await (await fetch(`${world.url}/v1/invoices/${invoiceId}`)).json();
  expect(invoice).toMatchObject({ rail: 'exact', evidence: { promised: receipt.amount } });
  const charge = BigInt(invoice.atoms);
  expect(await promisedBy(world, payer.address)).toEqual({ promised: charge, owed: 0n });
  // What the transfer brings beyond the charge cannot be spent before it has come.
  expect(await walletCredit(world, payer.address)).toBe(0n);
  await expectBooksAsOnChain(world);

  world.node.rule = allPass;
  await settledAll();
  const settled = BigInt(receipt.amount as string);
  expect(await usdcBalance(world.chain, payer.address)).toBe(ONE_USDC - settled);
  expect(await promisedBy(world, payer.address)).toEqual({ promised: 0n, owed: 0n });
  expect(await walletCredit(world, payer.address)).toBe(settled - charge);
  await world.app.get(GasBooks).post();
  // oxlint-disable-next-line typescript/no-explicit-any -- an invoice, looked into
  const later: any = await (await fetch(`${world.url}/v1/invoices/${invoiceId}`)).json();
  expect(later.evidence).toMatchObject({
    promised: receipt.amount,
    transaction: (await claimOf(payer))?.['transaction'],
  });
  expect(Number(later.evidence.networkFee)).toBeGreaterThan(0);
});

test('copies get the first answer at once, with the settlement as it is by then', async () => {
  const required = await askedFor(chat(world.url, undefined));
  const payer = await payerWith(world.chain, ONE_USDC);
  const payment = inHeader(await signPayment(payer, required));
  const calls = world.upstream.calls().length;
  world.node.rule = nothingLands;
  const first = await chat(world.url, undefined, {}, payment);
  const copy = await chat(world.url, undefined, {}, payment);
  world.node.rule = allPass;
  await settledAll();
  const late = await chat(world.url, undefined, {}, payment);

  const text = await first.text();
  expect([await copy.text(), await late.text()]).toEqual([text, text]);
  expect([receiptOf(first).transaction, receiptOf(copy).transaction]).toEqual(['', '']);
  const { transaction } = await claimOf(payer);
  expect(receiptOf(late)).toMatchObject({ success: true, transaction });
  expect(receiptOf(late).extra).toBeUndefined();
  expect(world.upstream.calls().length - calls).toBe(1);
});

test('a stream begins before its settlement', async () => {
  const required = await askedFor(chat(world.url, undefined, { stream: true }));
  const payer = await payerWith(world.chain, ONE_USDC);
  world.node.rule = nothingLands;
  const stream = { stream: true, stream_options: { include_usage: true } };
  const response = await chat(world.url, undefined, stream, inHeader(await signPayment(payer, required)));

  expect(receiptOf(response)).toMatchObject({ transaction: '', extra: { settlement: 'pending' } });
  const events = eventsOf(await response.text());
  expect(events.at(-1)).toBe('[DONE]');
  const { promised } = await promisedBy(world, payer.address);
  expect(promised).toBeGreaterThan(0n);
  expect(await usdcBalance(world.chain, payer.address)).toBe(ONE_USDC);
  world.node.rule = allPass;
  await settledAll();
  expect(await walletCredit(world, payer.address)).toBe(BigInt(required.amount) - promised);
});

test('a payer with as much unsettled as it may have is answered after settlement, and not refused', async () => {
  const required = await askedFor(chat(world.url, undefined));
  const payer = await payerWith(world.chain, ONE_USDC);
  // Two fit, the third does not.
  expect(BigInt(required.amount) * 2n).toBeLessThanOrEqual(70n);
  expect(BigInt(required.amount) * 3n).toBeGreaterThan(70n);
  const payments = await Promise.all([1, 2, 3].map(() => signPayment(payer, required)));
  world.node.rule = nothingLands;
  const answers = payments.map((payment) => chat(world.url, undefined, {}, inHeader(payment)));
  await until(
    () => sql(world, `SELECT state FROM claims WHERE key LIKE $1 ORDER BY 1`, [`%${payer.address.toLowerCase()}%`]),
    (rows) => rows.map(({ state }) => state).join() === 'promised,promised,settling',
  );
  world.node.rule = allPass;
  const receipts = (await Promise.all(answers)).map(receiptOf);

  expect(receipts.filter(({ transaction }) => transaction === '')).toHaveLength(2);
  expect(receipts.filter(({ transaction }) => /^0x[0-9a-f]{64}$/.test(transaction))).toHaveLength(1);
});

test('a broken promise is owed and blocks the wallet, with a reason, until it is paid', async () => {
  const required = await askedFor(chat(world.url, undefined));
  const payer = await payerWith(world.chain, ONE_USDC);
  const payment = await signPayment(payer, required);
  world.node.rule = nothingLands;
  expect((await chat(world.url, undefined, {}, inHeader(payment))).status).toBe(200);
  const { promised } = await promisedBy(world, payer.address);
  await cancel(payer, payment.payload.authorization.nonce as `0x${string}`);
  world.node.rule = allPass;
  await until(
    () => claimOf(payer),
    ({ state }) => state === 'failed',
    30_000,
  );

  expect(await promisedBy(world, payer.address)).toEqual({ promised: 0n, owed: promised });
  await expectBooksAsOnChain(world);
  const next = await chat(world.url, undefined, {}, inHeader(await signPayment(payer, required)));
  expect({ status: next.status, ...((await next.json()) as object) }).toMatchObject({
    status: 402,
    code: 'payment_owed',
  });
  await topUpWallet(world, payer, '0.01');
  expect(await promisedBy(world, payer.address)).toEqual({ promised: 0n, owed: 0n });
  expect((await chat(world.url, undefined, {}, inHeader(await signPayment(payer, required)))).status).toBe(200);
});

test('a payer that empties its wallet is waited for until its payment lapses, and owes it then', async () => {
  const required = await askedFor(chat(world.url, undefined));
  const payer = await payerWith(world.chain, ONE_USDC);
  await fundEth(world.chain.rpcUrl, payer.address, 10n ** 18n);
  const validBefore = Math.floor(Date.now() / 1000) + 10;
  const payment = await signPayment(payer, required, { validBefore: String(validBefore) });
  world.node.rule = nothingLands;
  expect((await chat(world.url, undefined, {}, inHeader(payment))).status).toBe(200);
  const { promised } = await promisedBy(world, payer.address);
  await sendUsdc(world.chain, payer, 'transfer', DEV_WALLETS.payer.address, ONE_USDC);
  world.node.rule = allPass;
  await pastOnChain(world.chain, validBefore);
  await until(
    () => claimOf(payer),
    ({ state }) => state === 'failed',
    60_000,
  );

  expect(await promisedBy(world, payer.address)).toEqual({ promised: 0n, owed: promised });
});

/** The payer takes its authorization back before it is used (EIP-3009 `cancelAuthorization`). */
async function cancel(payer: PrivateKeyAccount, nonce: `0x${string}`): Promise<void> {
  const { usdc, chainId, rpcUrl } = world.chain;
  const signature = await payer.signTypedData({
    domain: { name: 'USDC', version: '2', chainId, verifyingContract: usdc },
    types: {
      CancelAuthorization: [
        { name: 'authorizer', type: 'address' },
        { name: 'nonce', type: 'bytes32' },
      ],
    },
    primaryType: 'CancelAuthorization',
    message: { authorizer: payer.address, nonce },
  });
  const [sender] = (await createWalletClient({ transport: http(rpcUrl) }).getAddresses()) as [`0x${string}`];
  const wallet = createWalletClient({ account: sender, transport: http(rpcUrl) }).extend(publicActions);
  const hash = await wallet.writeContract({
    chain: null,
    address: usdc,
    abi: parseAbi(['function cancelAuthorization(address authorizer, bytes32 nonce, bytes signature)']),
    functionName: 'cancelAuthorization',
    args: [payer.address, nonce, signature],
  });
  await wallet.waitForTransactionReceipt({ hash });
}
