import { createTestClient, type Hex, http } from 'viem';
import { GAS_PRICE_ORACLE } from '../../src/evm/contracts';
import { DEV_WALLETS } from '../../src/local/chain';
import { json, post, until } from '../support/calls';
import { startX402World, type X402World } from '../support/x402-world';

/** Takes 2^50 wei for each byte that it is asked with: CALLDATASIZE, SHL 50, and returns that. */
const ORACLE: Hex = '0x3660321b5f5260205ff3';
const WEI_PER_BYTE = 2n ** 50n;
/** Micro-USDC of one coin at the default rate of $3000. */
const COIN = 3_000_000_000n;
/** `getL1Fee(bytes)`: the selector, where the bytes begin, how many they are, and they themselves in words of 32. */
const SELECTOR = 4;

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ env: { EVM_OP_STACK: 'true', EVM_PAYOUT_KEY: DEV_WALLETS.payTo.privateKey } });
});
afterAll(() => world?.stop());

const quote = () => post(world, '/v1/wallet/withdrawals/quote', undefined, { amount: '1' });

test('on a rollup of the OP stack, the fee of a withdrawal has the price of its data in it', async () => {
  // A chain that says it is one and is not: nothing is stated rather than too little.
  expect(await json(await quote())).toMatchObject({ code: 'chain_unavailable' });

  const chain = createTestClient({ mode: 'anvil', transport: http(world.chain.rpcUrl) });
  await chain.setCode({ address: GAS_PRICE_ORACLE, bytecode: '0x5f5f5260205ff3' });
  const forGas = microUsdc((await json(await quote())).fee);
  expect(forGas).toBeGreaterThan(0n);
  await chain.setCode({ address: GAS_PRICE_ORACLE, bytecode: ORACLE });
  const fee = await until(
    async () => microUsdc((await json(await quote())).fee),
    (stated) => stated > forGas,
  );

  // Blocks that come between change the gas by less than a byte costs.
  const bytes = Number(((fee - forGas) * 10n ** 18n) / COIN / WEI_PER_BYTE);
  expect(bytes % 32).toBe(SELECTOR);
  expect(bytes).toBeGreaterThan(SELECTOR + 64 + 292 + 32);
  expect(bytes).toBeLessThan(600);
});

const microUsdc = (decimal: string): bigint => BigInt(Math.round(Number(decimal) * 1e6));
