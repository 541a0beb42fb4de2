import { decodePaymentResponseHeader } from '@x402/fetch';
import { BATCH_SETTLEMENT } from '../../src/evm/contracts';
import { chargedToChannels, channelClient, pendingOnBooks } from '../support/channels';
import { payerWith, usdcBalance } from '../support/chain';
import { sql, startX402World, type X402World } from '../support/x402-world';

const TWO_USDC = 2_000_000n;

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ replicas: 2, env: { JOBS_IN_PROCESS: 'false' } });
});
afterAll(() => world?.stop());

const deposits = () => usdcBalance(world.chain, BATCH_SETTLEMENT);

test('a client that forgot its channel is told where it stands, and goes on without another deposit', async () => {
  const payer = await payerWith(world.chain, TWO_USDC);
  await channelClient(world, payer).call();
  const before = await deposits();

  const response = await channelClient(world, payer, world.chain).call({ max_tokens: 49 });

  expect(response.status).toBe(200);
  expect(await deposits()).toBe(before);
});

test('a bare key that forgot its channel gets the state, and nothing is charged', async () => {
  const payer = await payerWith(world.chain, TWO_USDC);
  await channelClient(world, payer).call();
  const charged = await chargedToChannels(world);

  const response = await channelClient(world, payer).call({ max_tokens: 49 });

  expect(response.status).toBe(402);
  expect(response.headers.get('payment-response')).toBeNull();
  const { error, accepts } = JSON.parse(
    Buffer.from(response.headers.get('payment-required') ?? '', 'base64').toString(),
  );
  expect(error).toBe('invalid_batch_settlement_evm_cumulative_amount_mismatch');
  const [channel] = await sql(world, `SELECT * FROM channels WHERE config->>'payer' = $1`, [
    payer.address.toLowerCase(),
  ]);
  expect(accepts[0]).toMatchObject({
    scheme: 'batch-settlement',
    extra: {
      channelState: { channelId: channel.channel_id, chargedCumulativeAmount: channel.charged.toString() },
      voucherState: { signedMaxClaimable: channel.signed_max.toString(), signature: channel.signature },
    },
  });
  expect(await chargedToChannels(world)).toBe(charged);
});

test('two calls at once on one channel: the second waits for its turn, at one replica and at two', async () => {
  const payer = await payerWith(world.chain, TWO_USDC);
  const client = channelClient(world, payer, world.chain);
  expect((await client.call()).status).toBe(200);
  for (const urls of [
    [world.url, world.url],
    [world.url, world.replicas[1]?.url ?? ''],
  ]) {
    const responses = await Promise.all(urls.map((url, index) => client.call({ max_tokens: 40 + index }, url)));
    expect(responses.map(({ status }) => status)).toEqual([200, 200]);
  }
  expect(await pendingOnBooks(world)).toBe(await chargedToChannels(world));
});

test('a call whose turn does not come in time is refused with Retry-After, and charged nothing', async () => {
  const payer = await payerWith(world.chain, TWO_USDC);
  const client = channelClient(world, payer);
  const first = await client.call();
  const receipt = decodePaymentResponseHeader(first.headers.get('payment-response') as string);
  const state = receipt.extra?.['channelState'] as { channelId: string } | undefined;
  const charged = await chargedToChannels(world);
  await sql(
    world,
    `UPDATE channels SET pending_key = 'another call', pending_call = gen_random_uuid() WHERE channel_id = $1`,
    [state?.channelId],
  );

  const refused = await client.call();

  expect(refused.status).toBe(402);
  expect(await refused.json()).toMatchObject({ code: 'invalid_batch_settlement_evm_channel_busy' });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await chargedToChannels(world)).toBe(charged);
});
