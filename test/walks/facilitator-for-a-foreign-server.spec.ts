import { HTTPFacilitatorClient } from '@x402/core/server';
import { ExactEvmScheme, toClientEvmSigner } from '@x402/evm';
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client';
import { UptoEvmScheme } from '@x402/evm/upto/client';
import { decodePaymentResponseHeader, wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import { createPublicClient, createWalletClient, erc20Abi, http, type PrivateKeyAccount } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { baseSepolia } from 'viem/chains';
import { DEV_WALLETS, fundEth } from '../../src/local/chain';
import { CONTRACTS } from '../../src/local/chain-contracts';
import { json, post } from '../support/calls';
import { payerWith, usdcBalance } from '../support/chain';
import { registerServer } from '../support/credit-world';
import { allCut, allPass } from '../support/rpc-proxy';
import { startStockServer, TAKEN, type StockServer } from '../support/stock-server';
import {
  type SignedPayment,
  signPayment,
  sql,
  startX402World,
  untilOffered,
  type X402World,
} from '../support/x402-world';

const NETWORK = 'eip155:84532';
const seller = privateKeyToAccount(generatePrivateKey());

let world: X402World;
let shop: StockServer;
let key: string;
let payer: PrivateKeyAccount;

beforeAll(async () => {
  world = await startX402World();
  ({ key } = await registerServer(world, 'http://shop.test', { payTo: [seller.address] }));
  const headers = { Authorization: `Bearer ${key}` };
  const facilitator = new HTTPFacilitatorClient({
    url: `${world.url}/facilitator`,
    createAuthHeaders: async () => ({ verify: headers, settle: headers, supported: {} }),
  });
  shop = await startStockServer(facilitator, seller);
});
beforeEach(async () => {
  payer = await payerWith(world.chain, 1_000_000n);
});
afterEach(async () => {
  world.node.rule = allPass;
  await untilOffered(world);
});
afterAll(async () => {
  await shop?.stop();
  await world?.stop();
});

const earned = () => usdcBalance(world.chain, seller.address);
const sentSoFar = async () => (await sql(world, 'SELECT count(*)::int AS n FROM chain_transactions'))[0].n as number;

describe('a stock server with the stock client', () => {
  const pay = async (path: string) => {
    const chain = createPublicClient({ chain: baseSepolia, transport: http(world.chain.rpcUrl) });
    const signer = toClientEvmSigner(payer, chain);
    const client = [new ExactEvmScheme(payer), new UptoEvmScheme(signer), new BatchSettlementEvmScheme(signer)];
    const schemes = client.map((scheme) => ({ network: 'eip155:*' as const, client: scheme }));
    const response = await wrapFetchWithPaymentFromConfig(fetch, { schemes })(`${shop.url}${path}`);
    expect(response.status).toBe(200);
    return decodePaymentResponseHeader(response.headers.get('payment-response') ?? '');
  };

  it('is paid by exact', async () => {
    const before = await earned();
    expect(await pay('/exact')).toMatchObject({ success: true });
    expect(await earned()).toBe(before + 50_000n);
  });

  it('is paid by upto', async () => {
    await fundEth(world.chain.rpcUrl, payer.address, 10n ** 18n);
    const wallet = createWalletClient({ account: payer, chain: baseSepolia, transport: http(world.chain.rpcUrl) });
    const approve = { address: CONTRACTS.Usdc, abi: erc20Abi, functionName: 'approve' } as const;
    await wallet.writeContract({ ...approve, args: [CONTRACTS.Permit2, 1_000_000n] });
    const before = await earned();
    expect(await pay('/upto')).toMatchObject({ success: true, amount: String(TAKEN) });
    expect(await earned()).toBe(before + BigInt(TAKEN));
  });

  it('is paid through a channel, and claims it here', async () => {
    const before = await earned();
    expect((await pay('/batch-settlement')).transaction).toMatch(/^0x/);
    await shop.collect();
    expect(await earned()).toBe(before + BigInt(TAKEN));
  });
});

describe('a payment', () => {
  const required = () => ({
    scheme: 'exact',
    network: NETWORK as `${string}:${string}`,
    amount: '1000',
    asset: world.chain.usdc as string,
    payTo: seller.address as string,
    maxTimeoutSeconds: 300,
    extra: { name: 'USDC', version: '2' },
  });
  const signed = () => signPayment(payer, required());
  const ask = (what: 'verify' | 'settle', payment: SignedPayment, bearer: string | undefined = key) =>
    post(world, `/facilitator/${what}`, bearer, {
      x402Version: 2,
      paymentPayload: payment,
      paymentRequirements: payment.accepted,
    });

  it('is settled once, however many copies come, and always answered alike', async () => {
    const payment = await signed();
    const [transactions, before] = [await sentSoFar(), await earned()];
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask('settle', payment)));
    const bodies = await Promise.all([...answers, await ask('settle', payment)].map(json));
    expect(bodies[0]).toMatchObject({ success: true, network: NETWORK, payer: payer.address });
    for (const body of bodies) expect(body).toEqual(bodies[0]);
    expect(await sentSoFar()).toBe(transactions + 1);
    expect(await earned()).toBe(before + 1_000n);

    const otherTerms = await ask('settle', { ...payment, accepted: { ...payment.accepted, amount: '999' } });
    expect(await json(otherTerms)).toMatchObject({ code: 'settle_conflict', errorReason: 'settle_conflict' });
    const { key: foreign } = await registerServer(world, 'http://other.test', { payTo: [seller.address] });
    expect((await ask('settle', payment, foreign)).status).toBe(409);
  });

  it('costs nothing when it is not the server’s, or not one that is settled here', async () => {
    const transactions = await sentSoFar();
    const good = await signed();
    const to = (change: object): SignedPayment => ({ ...good, accepted: { ...good.accepted, ...change } });
    const own = await signPayment(payer, { ...required(), payTo: DEV_WALLETS.payTo.address });
    const cases: [SignedPayment, number, string][] = [
      [to({ payTo: payer.address }), 403, 'pay_to_not_allowed'],
      [own, 403, 'pay_to_not_allowed'],
      [to({ asset: CONTRACTS.Multicall3 }), 400, 'asset_not_supported'],
      [to({ scheme: 'auth-capture' }), 400, 'unsupported_scheme'],
      [to({ network: 'eip155:1' }), 400, 'unsupported_scheme'],
      [to({ amount: '-1' }), 400, 'invalid_payment_requirements'],
      [{ ...good, payload: {} } as unknown as SignedPayment, 400, 'invalid_payment_requirements'],
    ];
    for (const what of ['verify', 'settle'] as const) {
      for (const [payment, status, code] of cases) {
        const response = await ask(what, payment);
        expect([code, response.status, (await json(response)).code]).toEqual([code, status, code]);
      }
      expect((await ask(what, good, 'tbs_nobody')).status).toBe(401);
    }
    const forged = { ...good, payload: { ...good.payload, signature: `0x${'11'.repeat(65)}` } };
    expect(await json(await ask('verify', forged))).toMatchObject({ isValid: false });
    expect(await json(await ask('settle', forged))).toMatchObject({ success: false, transaction: '' });
    expect(await sentSoFar()).toBe(transactions);
    expect(await json(await ask('verify', good))).toMatchObject({ isValid: true, payer: payer.address });
  });

  it('is neither good nor bad while the chain is away', async () => {
    const payment = await signed();
    world.node.rule = allCut;
    for (const what of ['verify', 'settle'] as const) {
      const response = await ask(what, payment);
      expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2']);
      expect((await json(response)).code).toBe('chain_unavailable');
    }
    world.node.rule = allPass;
    await untilOffered(world);
    expect(await json(await ask('settle', payment))).toMatchObject({ success: true });
  });

  it('is in doubt while its receipt cannot be had, and then answered as settled', async () => {
    const payment = await signed();
    const before = await earned();
    let broadcast = false;
    world.node.rule = ({ method }) => {
      if (method === 'eth_sendRawTransaction') broadcast = true;
      return broadcast && method !== 'eth_sendRawTransaction' ? 'cut' : 'pass';
    };
    const doubtful = await ask('settle', payment);
    expect([doubtful.status, (await json(doubtful)).code]).toEqual([503, 'settlement_pending']);
    world.node.rule = allPass;
    await untilOffered(world);
    const settled = await json(await ask('settle', payment));
    expect(settled).toMatchObject({ success: true, payer: payer.address });
    expect(await earned()).toBe(before + 1_000n);
  });
});
