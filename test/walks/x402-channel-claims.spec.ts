import { createPublicClient, createWalletClient, type Hex, http } from 'viem';
import { BATCH_SETTLEMENT } from '../../src/evm/contracts';
import { ChannelAuthorizers } from '../../src/payments/channels/channel-authorizers.service';
import type { ChannelClaim } from '../../src/payments/channels/channel-claim';
import { ChannelClaims } from '../../src/payments/channels/channel-claims.service';
import { ChannelClaimSender } from '../../src/payments/channels/channel-claim-sender.service';
import { CHANNELS_ABI, claimAndSettleCall } from '../../src/payments/channels/channel-contract';
import { ChannelWatch } from '../../src/payments/channels/channel-watch.service';
import { ClaimScheduler } from '../../src/payments/channels/claim-scheduler.service';
import { chargedToChannels, channelClient, pendingOnBooks } from '../support/channels';
import { expectBooksAsOnChain, payersWith, sql, startX402World, type X402World } from '../support/x402-world';

/** The most that one transaction takes. */
const CHANNELS = 100;
const AT_ONCE = 20;

let world: X402World;

beforeAll(async () => {
  // Gas that costs nothing: any charge is worth a claim. Jobs run when the story says so.
  const env = { JOBS_IN_PROCESS: 'false', EVM_GAS_USD_PER_COIN: '0' };
  world = await startX402World({ replicas: 2, env });
});
afterEach(async () => {
  expect(await expectBooksAsOnChain(world)).toBe((await chargedToChannels(world)) - (await pendingOnBooks(world)));
});
afterAll(() => world?.stop());

/** So many channels with a call each. */
async function channelsWithACall(count: number): Promise<void> {
  const payers = await payersWith(world.chain, count, 2_000_000n);
  while (payers.length > 0) {
    const calls = payers.splice(0, AT_ONCE).map((payer) => channelClient(world, payer).call());
    for (const { status } of await Promise.all(calls)) expect(status).toBe(200);
  }
}

const run = (replica = world.replicas[0] as X402World) => replica.app.get(ClaimScheduler).run();
const unclaimed = () => sql(world, 'SELECT channel_id FROM channels WHERE charged > total_claimed');
const sentFor = (id: string) =>
  sql(world, 'SELECT transaction FROM chain_calls WHERE reference = $1', [`channel-claim:${id}`]);
const claims = () => sql(world, 'SELECT * FROM channel_claims ORDER BY created_at');
const expectAllClaimed = async () => {
  expect(await unclaimed()).toEqual([]);
  expect(await pendingOnBooks(world)).toBe(0n);
};
/** The worker of a claim is taken for dead after a while: here, at once. */
const leave = (id: string) =>
  sql(world, `UPDATE channel_claims SET updated_at = now() - interval '1 hour' WHERE id = $1`, [id]);
const reader = () => createPublicClient({ transport: http(world.chain.rpcUrl) });

test('many channels are claimed in one transaction, and paid out in one transfer', async () => {
  await channelsWithACall(CHANNELS);
  expect(await pendingOnBooks(world)).toBe(await chargedToChannels(world));

  await run();

  await expectAllClaimed();
  const [claim, ...others] = await claims();
  expect(others).toEqual([]);
  expect(claim).toMatchObject({ state: 'settled', transaction: expect.stringMatching(/^0x/) });
  expect(claim.claims).toHaveLength(CHANNELS);
  expect(await sql(world, 'SELECT transaction FROM channel_settlements')).toEqual([{ transaction: claim.transaction }]);
  for (const { channelId, totalClaimed } of claim.claims) {
    const args = [channelId] as const;
    const [, onChain] = await reader().readContract({
      address: BATCH_SETTLEMENT,
      abi: CHANNELS_ABI,
      functionName: 'channels',
      args,
    });
    expect(onChain.toString()).toBe(totalClaimed);
  }

  await run();
  expect(await claims()).toHaveLength(1);
});

test('two replicas at once claim every channel once', async () => {
  await channelsWithACall(2);
  await Promise.all(world.replicas.map((replica) => run(replica as X402World)));

  await expectAllClaimed();
  const ids = (await claims()).flatMap(({ claims: some }) =>
    some.map(({ channelId }: { channelId: string }) => channelId),
  );
  expect(new Set(ids).size).toBe(ids.length);
});

test('a worker that dies before it sends loses nothing', async () => {
  await channelsWithACall(1);
  const [{ channel_id: id }] = await unclaimed();
  const claim = await world.app.get(ChannelClaims).open('eip155:84532', [id]);
  await run();
  expect(await unclaimed()).toHaveLength(1);

  await leave(claim?.id as string);
  await run();

  await expectAllClaimed();
  expect(await sentFor(claim?.id as string)).toHaveLength(1);
});

test('a worker that dies after it has sent claims nothing twice, and its payout is booked', async () => {
  await channelsWithACall(1);
  const [{ channel_id: id }] = await unclaimed();
  const claim = await world.app.get(ChannelClaims).open('eip155:84532', [id]);
  const died = jest.spyOn(ChannelClaims.prototype, 'close').mockRejectedValueOnce(new Error('killed'));
  await world.app.get(ChannelClaimSender).send(claim!);
  died.mockRestore();
  expect(await unclaimed()).toHaveLength(1);

  await leave(claim?.id as string);
  await run();

  await expectAllClaimed();
  expect(await sentFor(claim?.id as string)).toHaveLength(1);
});

test('one voucher that the chain does not take fails alone', async () => {
  await channelsWithACall(3);
  const [{ channel_id: bad }] = await unclaimed();
  const [{ signature }] = await sql(world, 'SELECT signature FROM channels WHERE channel_id = $1', [bad]);
  const spoil = (value: string) => sql(world, 'UPDATE channels SET signature = $2 WHERE channel_id = $1', [bad, value]);
  await spoil(`0x${'11'.repeat(65)}`);

  await run();
  await run();

  expect(await unclaimed()).toEqual([{ channel_id: bad }]);
  await spoil(signature);
  // It is not tried again at once, whatever it is signed with by now.
  await sql(world, 'UPDATE channels SET claim_not_before = now()');
  await run();
  await expectAllClaimed();
});

test('a stranger who sends our claim first pays the gas, and the payout is on the books', async () => {
  await channelsWithACall(1);
  const [{ channel_id: id }] = await unclaimed();
  const claim = (await world.app.get(ChannelClaims).open('eip155:84532', [id])) as ChannelClaim;
  const signature = await world.app.get(ChannelAuthorizers).signClaims(claim.network, claim.claims);
  const wallet = createWalletClient({ transport: http(world.chain.rpcUrl) });
  const stranger = (await wallet.getAddresses()).at(-1);
  const hash = await wallet.sendTransaction({
    account: stranger as Hex,
    chain: null,
    to: BATCH_SETTLEMENT,
    data: claimAndSettleCall(claim.claims, signature),
  });
  await reader().waitForTransactionReceipt({ hash });

  await leave(claim.id);
  await run();
  expect(await unclaimed()).toEqual([]);
  await world.app.get(ChannelWatch).run();

  await expectAllClaimed();
  expect(await sql(world, 'SELECT 1 AS one FROM channel_settlements WHERE transaction = $1', [hash])).toHaveLength(1);
});
