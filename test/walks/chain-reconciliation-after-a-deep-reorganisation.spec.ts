import { createTestClient, encodeFunctionData, http } from 'viem';
import { DEV_WALLETS } from '../../src/local/chain';
import { reconcileChain, TRANSFER_ABI, twoHoursPass } from '../support/chain-watch';
import { payingWallet, topUpWallet } from '../support/transfers';
import { payerWith } from '../support/chain';
import { sql, startX402World, type X402World } from '../support/x402-world';

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false' } });
});
afterAll(() => world?.stop());

const seen = () => sql(world, 'SELECT transaction, block_number, block_hash, state FROM chain_transfers ORDER BY 2');

test('blocks that a reorganisation replaced below the cursor are read again, and what they had counts no more', async () => {
  const chain = createTestClient({ mode: 'anvil', transport: http(world.chain.rpcUrl) });
  await topUpWallet(world, await payerWith(world.chain, 1_000_000n), '1');
  await chain.mine({ blocks: 2 });
  const wallet = await payingWallet(world.chain, 2_000_000n);
  const data = encodeFunctionData({ abi: TRANSFER_ABI, args: [DEV_WALLETS.payTo.address, 400_000n] });
  const request = await wallet.prepareTransactionRequest({ to: world.chain.usdc, data, chain: null });
  const serializedTransaction = await wallet.signTransaction({ ...request, chain: null });
  const hash = await wallet.sendRawTransaction({ serializedTransaction });
  await wallet.waitForTransactionReceipt({ hash });
  await chain.mine({ blocks: 2 });
  await reconcileChain(world);
  await twoHoursPass(world);
  const before = await reconcileChain(world);
  expect(before.findings).toMatchObject([{ kind: 'unknown_inbound' }]);
  expect(await seen()).toHaveLength(2);

  await chain.request({ method: 'anvil_reorg', params: [3, []] } as never);
  await chain.mine({ blocks: 2 });
  const told: string[] = [];
  const gone = await reconcileChain(world, (line) => told.push(line));
  expect(told[0]).toMatch(/reorganised/);
  expect(await seen()).toHaveLength(1);
  expect(gone.findings).toEqual([]);
  expect(gone.balances[0]?.theirs).toEqual(gone.balances[0]?.ours);
  await twoHoursPass(world);
  expect((await reconcileChain(world)).findings).toMatchObject([
    { kind: 'not_on_chain', amount: { atoms: -400_000n } },
  ]);

  // The same transaction is mined after all, in another block: it is the one in suspense.
  await wallet.waitForTransactionReceipt({ hash: await wallet.sendRawTransaction({ serializedTransaction }) });
  const again = await reconcileChain(world);
  expect(again.findings).toMatchObject([{ kind: 'unknown_inbound', amount: { atoms: 400_000n } }]);
  expect(again.balances[0]?.theirs).toEqual(again.balances[0]?.ours);
  expect((await seen()).at(-1)).toMatchObject({ transaction: hash, state: 'suspense' });
  const entries = await sql(world, `SELECT id FROM journal_entries WHERE kind = 'unknown_transfer_received'`);
  expect(entries).toHaveLength(1);
});
