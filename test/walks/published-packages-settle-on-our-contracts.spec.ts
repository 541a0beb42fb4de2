import { ExactEvmScheme, toClientEvmSigner } from '@x402/evm';
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client';
import { UptoEvmScheme } from '@x402/evm/upto/client';
import { decodePaymentResponseHeader, wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import { createPublicClient, createWalletClient, erc20Abi, http, type PrivateKeyAccount } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { baseSepolia } from 'viem/chains';
import { fundEth, startChain, type LocalChain } from '../../src/local/chain';
import { CONTRACTS } from '../../src/local/chain-contracts';
import { payerWith, usdcBalance } from '../support/chain';
import { startStockServer, stockFacilitator, TAKEN, type StockServer } from '../support/stock-server';

const seller = privateKeyToAccount(generatePrivateKey());
let chain: LocalChain;
let server: StockServer;
let payer: PrivateKeyAccount;
let paying: typeof fetch;

beforeAll(async () => {
  chain = await startChain();
  server = await startStockServer(stockFacilitator(chain), seller);
});
beforeEach(async () => {
  payer = await payerWith(chain, 1_000_000n);
  const signer = toClientEvmSigner(payer, createPublicClient({ chain: baseSepolia, transport: http(chain.rpcUrl) }));
  const client = [new ExactEvmScheme(payer), new UptoEvmScheme(signer), new BatchSettlementEvmScheme(signer)];
  paying = wrapFetchWithPaymentFromConfig(fetch, {
    schemes: client.map((scheme) => ({ network: 'eip155:*', client: scheme })),
  });
});
afterAll(async () => {
  await server?.stop();
  await chain?.stop();
});

const received = () => usdcBalance(chain, seller.address);
const pay = async (scheme: string) => {
  const response = await paying(`${server.url}/${scheme}`);
  expect(response.status).toBe(200);
  return decodePaymentResponseHeader(response.headers.get('payment-response') ?? '');
};

test('exact', async () => {
  const before = await received();
  expect(await pay('exact')).toMatchObject({ success: true });
  expect(await received()).toBe(before + 50_000n);
});

test('upto takes what was used, of what the payer approved for Permit2', async () => {
  await fundEth(chain.rpcUrl, payer.address, 10n ** 18n);
  const wallet = createWalletClient({ account: payer, chain: baseSepolia, transport: http(chain.rpcUrl) });
  const approve = { address: CONTRACTS.Usdc, abi: erc20Abi, functionName: 'approve' } as const;
  await wallet.writeContract({ ...approve, args: [CONTRACTS.Permit2, 1_000_000n] });
  const before = await received();

  expect(await pay('upto')).toMatchObject({ success: true, amount: String(TAKEN) });
  expect(await received()).toBe(before + BigInt(TAKEN));
});

test('a channel takes one deposit for many calls, and pays out what was used', async () => {
  const before = await received();

  const [first, ...others] = [
    await pay('batch-settlement'),
    await pay('batch-settlement'),
    await pay('batch-settlement'),
  ];
  expect(first?.transaction).toMatch(/^0x[0-9a-f]{64}$/);
  expect(others.map(({ transaction }) => transaction)).toEqual(['', '']);
  expect(await usdcBalance(chain, CONTRACTS.X402BatchSettlement)).toBe(500_000n);
  expect(await received()).toBe(before);

  await server.collect();
  expect(await received()).toBe(before + 3n * BigInt(TAKEN));
});
