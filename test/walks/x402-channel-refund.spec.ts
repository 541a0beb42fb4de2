import { BATCH_SETTLEMENT } from '../../src/evm/contracts';
import { chargedToChannels, channelClient, pendingOnBooks } from '../support/channels';
import { payerWith, usdcBalance } from '../support/chain';
import { expectBooksAsOnChain, sql, startX402World, type X402World } from '../support/x402-world';

const TWO_USDC = 2_000_000n;

let world: X402World;

beforeAll(async () => {
  world = await startX402World();
});
afterAll(() => world?.stop());

test('a payer gets back what was not used, and we what was, in one transaction', async () => {
  const payer = await payerWith(world.chain, TWO_USDC);
  const client = channelClient(world, payer);
  expect((await client.call()).status).toBe(200);
  expect((await client.call()).status).toBe(200);
  const charged = await chargedToChannels(world);

  const part = await client.scheme.refund(`${world.url}/v1/chat/completions`, { amount: '1000' });
  expect(part).toMatchObject({ success: true, amount: '1000', transaction: expect.stringMatching(/^0x/) });
  expect((await client.call()).status).toBe(200);
  const rest = await client.scheme.refund(`${world.url}/v1/chat/completions`);

  const all = await chargedToChannels(world);
  expect(all).toBeGreaterThan(charged);
  expect(rest).toMatchObject({ success: true, amount: (1_000_000n - 1_000n - all).toString() });
  expect(await usdcBalance(world.chain, payer.address)).toBe(TWO_USDC - all);
  expect(await usdcBalance(world.chain, BATCH_SETTLEMENT)).toBe(0n);
  expect(await expectBooksAsOnChain(world)).toBe(all);
  expect(await pendingOnBooks(world)).toBe(0n);
});

test('copies of a refund give back once, and a channel without a rest gives nothing', async () => {
  const payer = await payerWith(world.chain, TWO_USDC);
  const client = channelClient(world, payer);
  await client.call();
  const url = `${world.url}/v1/channels`;
  const outcomes = await Promise.allSettled([client.scheme.refund(url), client.scheme.refund(url)]);
  expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeGreaterThan(0);

  const [{ charged }] = await sql(world, 'SELECT charged FROM channels WHERE config->>$1 = $2', [
    'payer',
    payer.address.toLowerCase(),
  ]);
  expect(await usdcBalance(world.chain, payer.address)).toBe(TWO_USDC - charged);
  const again = channelClient(world, payer, world.chain);
  await expect(again.scheme.refund(url)).rejects.toThrow(/no remaining balance|refund_no_balance/);
  await expectBooksAsOnChain(world);
});

test('without a payment, the terms of a channel; with somebody else’s signature, nothing', async () => {
  const unpaid = await fetch(`${world.url}/v1/channels`);
  expect(unpaid.status).toBe(402);
  const asked = JSON.parse(Buffer.from(unpaid.headers.get('payment-required') ?? '', 'base64').toString());
  expect(asked.accepts).toEqual([expect.objectContaining({ scheme: 'batch-settlement', amount: '1' })]);

  const [channel] = await sql(world, 'SELECT * FROM channels LIMIT 1');
  const forged = {
    x402Version: 2,
    accepted: asked.accepts[0],
    payload: {
      type: 'refund',
      channelConfig: channel.config,
      voucher: {
        channelId: channel.channel_id,
        maxClaimableAmount: channel.charged.toString(),
        signature: `0x${'11'.repeat(65)}`,
      },
    },
  };
  const header = Buffer.from(JSON.stringify(forged)).toString('base64');
  const refused = await fetch(`${world.url}/v1/channels`, { headers: { 'payment-signature': header } });
  expect(refused.status).toBe(402);
  expect(await refused.json()).toMatchObject({ code: 'invalid_batch_settlement_evm_voucher_signature' });
  expect(refused.headers.get('payment-required')).not.toContain(channel.signature);
});

test('a payer has three refunds in a withdraw delay, whatever its channels: then its own withdrawal is the way', async () => {
  const payer = await payerWith(world.chain, TWO_USDC);
  const url = `${world.url}/v1/channels`;
  const client = channelClient(world, payer);
  expect((await client.call()).status).toBe(200);
  for (let refund = 0; refund < 3; refund++) {
    expect(await client.scheme.refund(url, { amount: '1000' })).toMatchObject({ success: true });
  }
  const before = await usdcBalance(world.chain, payer.address);
  await expect(client.scheme.refund(url)).rejects.toThrow('refund_limit');
  expect(await usdcBalance(world.chain, payer.address)).toBe(before);

  // Somebody else's are not counted, and a day later nor are these.
  const other = channelClient(world, await payerWith(world.chain, TWO_USDC));
  await other.call();
  expect(await other.scheme.refund(url)).toMatchObject({ success: true });
  await sql(world, `UPDATE claims SET updated_at = updated_at - interval '1 day' WHERE scheme = 'channel-refund'`);
  expect(await client.scheme.refund(url)).toMatchObject({ success: true });
  await expectBooksAsOnChain(world);
});
