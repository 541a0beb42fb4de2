import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client';
import type { PaymentRequirements } from '@x402/core/types';
import { ChannelChain } from '../../src/payments/channels/channel-chain.service';
import { payerWith } from '../support/chain';
import { SMALL_CHAT } from '../support/channels';
import { inHeader, sql, startX402World, type X402World } from '../support/x402-world';

const NETWORK = 'eip155:84532';

/** One deposit, sent at once with many calls: it is in the channel once, and bears what it bears. */
describe('a deposit that is shown with many calls at once', () => {
  let world: X402World;

  beforeAll(async () => {
    world = await startX402World();
  });
  afterAll(() => world?.stop());

  const call = (n: number, headers: Record<string, string> = {}) =>
    fetch(`${world.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ ...SMALL_CHAT, user: `caller-${n}` }),
    });

  it('is counted as the chain counts it', async () => {
    const refused = await call(0);
    const required = JSON.parse(
      Buffer.from(refused.headers.get('payment-required') ?? '', 'base64').toString('utf8'),
    ) as { accepts: PaymentRequirements[] };
    const accepted = required.accepts.find(
      ({ scheme, network }) => scheme === 'batch-settlement' && network === NETWORK,
    );
    const client = new BatchSettlementEvmScheme(await payerWith(world.chain, 2_000_000n));
    const { payload } = await client.createPaymentPayload(2, accepted as PaymentRequirements);
    const header = inHeader({ x402Version: 2, accepted, payload });

    // Their work fails, so none of them uses the voucher up, and each finds the deposit of the one before.
    const failing = { ...header, 'x-upstream-behave': 'fail=500' };
    const failed = await Promise.all([1, 2, 3, 4].map((n) => call(n, failing)));
    expect(failed.map(({ status }) => status).filter((status) => status < 500)).toEqual([]);

    const [channel] = await sql(world, 'SELECT channel_id, balance, charged FROM channels');
    const { balance } = await world.app.get(ChannelChain, { strict: false }).stateOf(NETWORK, channel.channel_id);
    expect(balance).toBeGreaterThan(0n);
    expect(BigInt(channel.balance)).toBe(balance);
    expect(BigInt(channel.charged)).toBe(0n);
    expect((await call(5, header)).status).toBe(200);
  });
});
