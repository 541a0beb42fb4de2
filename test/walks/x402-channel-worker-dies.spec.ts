import type { PaymentRequirements as StockRequirements } from '@x402/core/types';
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client';
import { newId } from '../../src/common/id';
import { usd } from '../../src/common/money';
import { LedgerService } from '../../src/ledger/ledger.service';
import { ClaimLeases } from '../../src/payments/claim-leases.service';
import { ChannelReconciler } from '../../src/payments/channels/channel-reconciler.service';
import { ChannelsScheme } from '../../src/payments/channels/channels.scheme';
import type { Delivery, Hold, RequestHeaders, Work } from '../../src/payments/payment-scheme';
import { PricingService } from '../../src/pricing/pricing.service';
import { chargedToChannels, pendingOnBooks } from '../support/channels';
import { payerWith } from '../support/chain';
import {
  expectBooksAsOnChain,
  inHeader,
  sql,
  startX402World,
  walletCredit,
  type X402World,
} from '../support/x402-world';

let world: X402World;
let scheme: ChannelsScheme;

beforeAll(async () => {
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false' } });
  scheme = world.app.get(ChannelsScheme);
});
afterEach(async () => {
  expect(await pendingOnBooks(world)).toBe(await chargedToChannels(world));
  await expectBooksAsOnChain(world, false);
});
afterAll(() => world?.stop());

const delivery: Delivery = {
  charge: { amount: usd(5_000_000n), lines: [] },
  rows: () => ({}),
  answer: { status: 200, headers: {}, body: Buffer.from('An answer.') },
};

/** A payment that is held, whose worker is then taken for dead. */
async function held(stream: boolean): Promise<{ hold: Hold; again: () => ReturnType<ChannelsScheme['hold']> }> {
  const pricing = world.app.get(PricingService);
  const quote = pricing.quote(pricing.modelFor('gpt-4o-mini', '/v1/chat/completions'), {
    input: 10_000n,
    output: 10_000n,
  });
  const work: Work = {
    callId: newId(),
    quote,
    resource: { url: world.url, description: 'inference', mimeType: 'application/json' },
    model: 'gpt-4o-mini',
    stream,
    fingerprint: newId(),
    idempotencyKey: undefined,
    headers: {},
  };
  const [accepted] = scheme.requirements(work);
  const client = new BatchSettlementEvmScheme(await payerWith(world.chain, 2_000_000n));
  const { payload } = await client.createPaymentPayload(2, accepted as StockRequirements);
  const headers: RequestHeaders = inHeader({ x402Version: 2, accepted, payload });
  const attempt = (given: Work) => scheme.hold(scheme.find(headers)!, given);
  const outcome = await attempt(work);
  if (outcome.kind !== 'held') throw new Error(JSON.stringify(outcome));
  return { hold: outcome.hold, again: () => attempt({ ...work, callId: newId() }) };
}

/** Its lease runs out and nobody renews it; the job finds it. */
async function die({ claimKey, callId }: Hold): Promise<void> {
  world.app.get(ClaimLeases).drop(claimKey as string, callId);
  await sql(world, `UPDATE claims SET lease_until = now() - interval '1 second' WHERE key = $1`, [claimKey]);
  await sql(world, `UPDATE channels SET last_request_at = now() - interval '1 minute'`);
  await world.app.get(ChannelReconciler).reconcile();
}
const stateOf = async ({ claimKey }: Hold) =>
  (await sql(world, 'SELECT state FROM claims WHERE key = $1', [claimKey]))[0].state;

test.each([false, true])(
  'while it works: the same payment may try again, and is charged once (stream: %s)',
  async (stream) => {
    const { hold, again } = await held(stream);
    const charged = await chargedToChannels(world);
    await die(hold);

    expect(await stateOf(hold)).toBe(stream ? 'paid' : 'released');
    if (stream) expect(await walletCredit(world, hold.payer as string)).toBe(hold.amount.atoms);
    const outcome = await again();
    expect(outcome.kind).toBe('held');
    expect(await chargedToChannels(world)).toBe(charged);
    const { hold: second } = outcome as { hold: Hold };
    expect(await scheme.capture(second, delivery)).toMatchObject({
      kind: 'captured',
      receipt: { charge: { atoms: 5_000n } },
    });
  },
);

test.each([false, true])(
  'between the charge and the books: the job books it, and a repeat is answered (stream: %s)',
  async (stream) => {
    const { hold, again } = await held(stream);
    const away = () => Promise.reject(new Error('killed'));
    const spies = (['post', 'capture'] as const).map((method) =>
      jest.spyOn(LedgerService.prototype, method).mockImplementation(away),
    );
    await expect(scheme.capture(hold, delivery)).rejects.toThrow('killed');
    for (const spy of spies) spy.mockRestore();
    await die(hold);

    expect(await stateOf(hold)).toBe('settled');
    expect(await again()).toMatchObject({ kind: 'replay', answer: { status: 200 } });
  },
);
