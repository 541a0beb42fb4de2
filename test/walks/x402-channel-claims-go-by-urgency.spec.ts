import { createPublicClient, createTestClient, createWalletClient, type Hex, http } from 'viem';
import { baseSepolia } from 'viem/chains';
import { BATCH_SETTLEMENT } from '../../src/evm/contracts';
import { ChannelAuthorizers } from '../../src/payments/channels/channel-authorizers.service';
import type { ChannelClaim } from '../../src/payments/channels/channel-claim';
import { ChannelClaims } from '../../src/payments/channels/channel-claims.service';
import { claimAndSettleCall } from '../../src/payments/channels/channel-contract';
import { ChannelWatch } from '../../src/payments/channels/channel-watch.service';
import { ClaimScheduler } from '../../src/payments/channels/claim-scheduler.service';
import { channelClient, pendingOnBooks } from '../support/channels';
import { payerWith } from '../support/chain';
import { payersWith, sql, startX402World, type X402World } from '../support/x402-world';

const NETWORK = 'eip155:84532';

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false', EVM_GAS_USD_PER_COIN: '0' } });
});
afterAll(() => world?.stop());

const run = () => world.app.get(ClaimScheduler).run();
const owing = () =>
  sql(
    world,
    'SELECT channel_id, claim_failures, claim_fault, claim_not_before FROM channels WHERE charged > total_claimed',
  );
const listed = async () => {
  const answer = await fetch(`${world.url}/admin/channels`, {
    headers: { authorization: `Bearer ${world.adminToken}` },
  });
  return ((await answer.json()) as { data: Record<string, unknown>[] }).data;
};

test('six thousand old channels with dust do not stand before a withdrawal, nor before value', async () => {
  const [rich, leaving] = await payersWith(world.chain, 2, 2_000_000n);
  for (const payer of [rich, leaving]) {
    expect((await channelClient(world, payer!).call({ model: 'flat' })).status).toBe(200);
  }
  const [{ channel_id: withdrawn }] = await sql(
    world,
    `UPDATE channels SET withdraw_requested_at = 1 WHERE config->>'payer' = $1 RETURNING channel_id`,
    [leaving!.address.toLowerCase()],
  );
  // Old enough to be urgent, and each worth a millionth of a dollar.
  await sql(
    world,
    `INSERT INTO channels (channel_id, network, customer_id, config, charged, signed_max, signature, balance, unclaimed_since)
     SELECT 'dust-' || n, network, customer_id, config, 1, 1, signature, 1, now() - interval '30 days'
       FROM channels, generate_series(1, 6000) n WHERE channel_id = $1`,
    [withdrawn],
  );
  const [{ config }] = await sql(world, 'SELECT config FROM channels WHERE channel_id = $1', [withdrawn]);

  const claims = world.app.get(ChannelClaims);
  const worth = await claims.candidates(NETWORK, config.receiverAuthorizer, { urgent: 1n, calm: 20n });
  expect(worth.map(({ atoms }) => atoms)).toEqual([100_000n, 100_000n]);
  expect(worth[0]?.id).toBe(withdrawn);
  // Where gas is free dust is worth it, too, and comes last.
  const all = await claims.candidates(NETWORK, config.receiverAuthorizer, { urgent: 0n, calm: 0n });
  expect(all).toHaveLength(5_000);
  expect(all[0]).toMatchObject({ id: withdrawn, withdrawRequested: true });
  await sql(world, `DELETE FROM channels WHERE channel_id LIKE 'dust-%'`);
  await run();
  expect(await owing()).toEqual([]);
});

test('a channel that no transaction takes is tried ever more seldom, and the operator sees why', async () => {
  const payer = await payerWith(world.chain, 2_000_000n);
  expect((await channelClient(world, payer).call()).status).toBe(200);
  const [{ channel_id: id }] = await owing();
  const [{ signature }] = await sql(world, 'SELECT signature FROM channels WHERE channel_id = $1', [id]);
  const sign = (value: string) => sql(world, 'UPDATE channels SET signature = $2 WHERE channel_id = $1', [id, value]);
  const claimed = async () => (await sql(world, 'SELECT count(*)::int AS count FROM channel_claims'))[0].count;
  await sign(await payerWith(world.chain, 0n).then((stranger) => stranger.signMessage({ message: 'Something else.' })));
  const before = await claimed();

  await run();
  await run();
  await run();

  expect(await claimed()).toBe(before + 1);
  const [first] = await owing();
  expect(first).toMatchObject({ claim_failures: 1, claim_fault: 'InvalidSignature' });
  expect(await listed()).toEqual([
    expect.objectContaining({
      id,
      failures: 1,
      fault: 'InvalidSignature',
      nextTry: first.claim_not_before.toISOString(),
    }),
  ]);
  const again = () => sql(world, `UPDATE channels SET claim_not_before = now() WHERE channel_id = $1`, [id]);
  const waits: number[] = [];
  for (let attempt = 0; attempt < 10; attempt++) {
    await again();
    await run();
    const [{ seconds }] = await sql(
      world,
      'SELECT round(extract(epoch FROM claim_not_before - now()))::int AS seconds FROM channels WHERE channel_id = $1',
      [id],
    );
    waits.push(seconds);
  }
  expect(waits[0]).toBe(20);
  expect(waits[1]).toBe(40);
  expect(Math.max(...waits)).toBe(3600);

  await sign(signature);
  await run();
  expect(await owing()).toHaveLength(1);
  await again();
  await run();
  expect(await owing()).toEqual([]);
  expect(await listed()).toEqual([]);
});

test('a payout by a stranger that lies behind thousands of blocks and newer payouts is found', async () => {
  const [early, late] = await payersWith(world.chain, 2, 2_000_000n);
  expect((await channelClient(world, early!).call()).status).toBe(200);
  const [{ channel_id: id }] = await owing();
  const claims = world.app.get(ChannelClaims);
  const claim = (await claims.open(NETWORK, [id])) as ChannelClaim;
  const chain = { ...baseSepolia, rpcUrls: { default: { http: [world.chain.rpcUrl] } } };
  const wallet = createWalletClient({ chain, transport: http(world.chain.rpcUrl) });
  const hash = await wallet.sendTransaction({
    account: (await wallet.getAddresses()).at(-1) as Hex,
    to: BATCH_SETTLEMENT,
    data: claimAndSettleCall(claim.claims, await world.app.get(ChannelAuthorizers).signClaims(NETWORK, claim.claims)),
  });
  await createPublicClient({ chain, transport: http() }).waitForTransactionReceipt({ hash });
  const patient = http(undefined, { timeout: 120_000, retryCount: 0 });
  await createTestClient({ mode: 'anvil', chain, transport: patient }).mine({ blocks: 2_100 });
  // Newer, known, and larger.
  expect((await channelClient(world, late!).call({ model: 'flat' })).status).toBe(200);
  await run();
  expect(await sql(world, 'SELECT 1 FROM channel_settlements WHERE transaction = $1', [hash])).toEqual([]);

  await world.app.get(ChannelWatch).run();

  expect(await sql(world, 'SELECT 1 FROM channel_settlements WHERE transaction = $1', [hash])).toHaveLength(1);
  expect(await pendingOnBooks(world)).toBe(0n);
});
