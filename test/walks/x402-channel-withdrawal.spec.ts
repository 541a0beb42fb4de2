import { createPublicClient, createTestClient, createWalletClient, http, parseAbi, parseEther } from 'viem';
import { baseSepolia } from 'viem/chains';
import { BATCH_SETTLEMENT } from '../../src/evm/contracts';
import { fundEth } from '../../src/local/chain';
import { ChannelWatch } from '../../src/payments/channels/channel-watch.service';
import { ClaimScheduler } from '../../src/payments/channels/claim-scheduler.service';
import { chargedToChannels, channelClient, pendingOnBooks } from '../support/channels';
import { payerWith, usdcBalance } from '../support/chain';
import { expectBooksAsOnChain, sql, startX402World, type X402World } from '../support/x402-world';

const TWO_USDC = 2_000_000n;
const ABI = parseAbi([
  'struct ChannelConfig { address payer; address payerAuthorizer; address receiver; address receiverAuthorizer; address token; uint40 withdrawDelay; bytes32 salt; }',
  'function initiateWithdraw(ChannelConfig config, uint128 amount)',
  'function finalizeWithdraw(ChannelConfig config)',
]);

let world: X402World;

beforeAll(async () => {
  // A claim costs between 5 and 20 cents: the 40 cents of the story pay for it, and not twenty times.
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false', EVM_GAS_USD_PER_COIN: '800' } });
});
afterAll(() => world?.stop());

test('a payer who asks for the money back is seen, is claimed from at once, and gets the rest after the delay', async () => {
  const payer = await payerWith(world.chain, TWO_USDC);
  const client = channelClient(world, payer);
  for (let call = 0; call < 4; call++) expect((await client.call({ model: 'flat' })).status).toBe(200);
  const charged = await chargedToChannels(world);
  const [{ config }] = await sql(world, 'SELECT config FROM channels');
  const scheduler = world.app.get(ClaimScheduler);
  await scheduler.run();
  expect(await pendingOnBooks(world)).toBe(charged);
  await fundEth(world.chain.rpcUrl, payer.address, parseEther('1'));
  const chain = { ...baseSepolia, rpcUrls: { default: { http: [world.chain.rpcUrl] } } };
  const wallet = createWalletClient({ account: payer, chain, transport: http(world.chain.rpcUrl) });
  const reader = createPublicClient({ transport: http(world.chain.rpcUrl) });
  const contract = { address: BATCH_SETTLEMENT, abi: ABI } as const;

  const asked = await wallet.writeContract({
    ...contract,
    functionName: 'initiateWithdraw',
    args: [config, 1_000_000n],
  });
  await reader.waitForTransactionReceipt({ hash: asked });
  await world.app.get(ChannelWatch).run();
  const refused = await client.call({ model: 'flat' });
  expect(refused.status).toBe(402);
  expect(await refused.json()).toMatchObject({ code: 'invalid_batch_settlement_evm_withdrawal_pending' });
  await scheduler.run();

  expect(await pendingOnBooks(world)).toBe(0n);
  expect(await expectBooksAsOnChain(world)).toBe(charged);

  const anvil = createTestClient({ mode: 'anvil', chain, transport: http(world.chain.rpcUrl) });
  await anvil.increaseTime({ seconds: config.withdrawDelay });
  await anvil.mine({ blocks: 1 });
  const taken = await wallet.writeContract({ ...contract, functionName: 'finalizeWithdraw', args: [config] });
  expect((await reader.waitForTransactionReceipt({ hash: taken })).status).toBe('success');
  expect(await usdcBalance(world.chain, payer.address)).toBe(TWO_USDC - charged);
  await world.app.get(ChannelWatch).run();
  expect(await sql(world, 'SELECT balance, total_claimed, withdraw_requested_at FROM channels')).toEqual([
    { balance: charged, total_claimed: charged, withdraw_requested_at: 0n },
  ]);
});
