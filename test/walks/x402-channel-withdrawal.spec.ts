import {
  createPublicClient,
  createTestClient,
  createWalletClient,
  http,
  parseAbi,
  parseEther,
  type PrivateKeyAccount,
} from 'viem';
import { baseSepolia } from 'viem/chains';
import { BATCH_SETTLEMENT } from '../../src/evm/contracts';
import type { ChannelConfig } from '../../src/evm/typed-digest';
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
  'error WithdrawDelayNotElapsed()',
]);

let world: X402World;

// A chain of its own for each: its clock only goes forward.
beforeEach(async () => {
  // A claim costs between 5 and 20 cents: the 40 cents of a story pay for it, and not twenty times.
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false', EVM_GAS_USD_PER_COIN: '800' } });
});
afterEach(() => world?.stop());

const chainOf = () => ({ ...baseSepolia, rpcUrls: { default: { http: [world.chain.rpcUrl] } } });
const scheduler = () => world.app.get(ClaimScheduler);

/** A payer who has used 40 cents of a dollar, and the payer's own transactions. */
async function leavingPayer() {
  const payer = await payerWith(world.chain, TWO_USDC);
  const client = channelClient(world, payer);
  for (let call = 0; call < 4; call++) expect((await client.call({ model: 'flat' })).status).toBe(200);
  await fundEth(world.chain.rpcUrl, payer.address, parseEther('1'));
  const [{ config }] = await channelOf(payer);
  const wallet = createWalletClient({ account: payer, chain: chainOf(), transport: http() });
  const reader = createPublicClient({ chain: chainOf(), transport: http() });
  const contract = { address: BATCH_SETTLEMENT, abi: ABI } as const;
  const mined = async (hash: `0x${string}`) =>
    expect((await reader.waitForTransactionReceipt({ hash })).status).toBe('success');
  return {
    payer,
    client,
    config: config as ChannelConfig,
    charged: await chargedToChannels(world),
    asksForAll: async () =>
      mined(await wallet.writeContract({ ...contract, functionName: 'initiateWithdraw', args: [config, 1_000_000n] })),
    takes: async () =>
      mined(await wallet.writeContract({ ...contract, functionName: 'finalizeWithdraw', args: [config] })),
  };
}

const channelOf = ({ address }: PrivateKeyAccount) =>
  sql(world, `SELECT * FROM channels WHERE config->>'payer' = $1`, [address.toLowerCase()]);

/** On the chain, and for what is unclaimed here. */
async function timePasses(seconds: number): Promise<void> {
  const anvil = createTestClient({ mode: 'anvil', chain: chainOf(), transport: http() });
  await anvil.increaseTime({ seconds });
  await anvil.mine({ blocks: 1 });
  await sql(world, 'UPDATE channels SET unclaimed_since = unclaimed_since - make_interval(secs => $1)', [seconds]);
}

test('a payer who asks for the money back is seen, is claimed from at once, and gets the rest after the delay', async () => {
  const { payer, client, config, charged, asksForAll, takes } = await leavingPayer();
  await scheduler().run();
  expect(await pendingOnBooks(world)).toBe(charged);

  await asksForAll();
  await world.app.get(ChannelWatch).run();
  const refused = await client.call({ model: 'flat' });
  expect(refused.status).toBe(402);
  expect(await refused.json()).toMatchObject({ code: 'invalid_batch_settlement_evm_withdrawal_pending' });
  await scheduler().run();

  expect(await pendingOnBooks(world)).toBe(0n);
  expect(await expectBooksAsOnChain(world)).toBe(charged);

  await timePasses(config.withdrawDelay);
  await takes();
  expect(await usdcBalance(world.chain, payer.address)).toBe(TWO_USDC - charged);
  await world.app.get(ChannelWatch).run();
  expect(await channelOf(payer)).toMatchObject([
    { balance: charged, total_claimed: charged, withdraw_requested_at: 0n },
  ]);
});

test('where nobody sees that the payer asks, a third of the delay is the last hour of a claim: long before the payer can take', async () => {
  const { payer, config, charged, asksForAll, takes } = await leavingPayer();
  await asksForAll();

  await timePasses(config.withdrawDelay / 3 - 600);
  await scheduler().run();
  expect(await pendingOnBooks(world)).toBe(charged);
  await expect(takes()).rejects.toThrow('WithdrawDelayNotElapsed');

  await timePasses(601);
  await scheduler().run();
  expect(await pendingOnBooks(world)).toBe(0n);
  expect(await expectBooksAsOnChain(world)).toBe(charged);

  await expect(takes()).rejects.toThrow('WithdrawDelayNotElapsed');
  await timePasses((config.withdrawDelay * 2) / 3);
  await takes();
  expect(await usdcBalance(world.chain, payer.address)).toBe(TWO_USDC - charged);
});
