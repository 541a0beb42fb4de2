import { createTestClient, http } from 'viem';
import { instructionsOf, paidByHand, payingWallet, type Proof, proofHeader } from '../support/transfers';
import { chat } from '../support/world';
import { countOfBooks, expectBooksAsOnChain, startX402World, type X402World } from '../support/x402-world';

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ env: { EVM_CONFIRMATIONS: '3' } });
});
afterAll(() => world?.stop());

const chain = () => createTestClient({ mode: 'anvil', transport: http(world.chain.rpcUrl) });
const show = async (proof: Proof) => {
  const response = await chat(world.url, undefined, {}, proofHeader(proof));
  return { status: response.status, ...((await response.json()) as { code?: string }) };
};

test('a transfer pays when it has the configured confirmations, and one that a reorganisation took does not', async () => {
  const wallet = await payingWallet(world.chain, 1_000_000n);
  const asked = async () =>
    instructionsOf(await (await chat(world.url, undefined, {}, { 'wallet-provider': 'viem' })).json());

  const before = await countOfBooks(world);
  const taken = await paidByHand(wallet, await asked());
  expect(await show(taken)).toMatchObject({ status: 503, code: 'transfer_unconfirmed', confirmations: 1, needed: 3 });
  await chain().mine({ blocks: 1 });
  expect(await show(taken)).toMatchObject({ status: 503, code: 'transfer_unconfirmed', confirmations: 2 });
  await chain().request({ method: 'anvil_reorg', params: [2, []] } as never);
  await chain().mine({ blocks: 3 });
  expect(await show(taken)).toMatchObject({ status: 503, code: 'transfer_not_found_yet' });
  expect(await countOfBooks(world)).toEqual(before);

  const kept = await paidByHand(wallet, await asked());
  await chain().mine({ blocks: 2 });
  expect(await show(kept)).toMatchObject({ status: 200 });
  await expectBooksAsOnChain(world);
});
