import type { PaymentRequirements } from '@x402/core/types';
import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client';
import { decodePaymentResponseHeader } from '@x402/fetch';
import type { PrivateKeyAccount } from 'viem';
import { channelClient, SMALL_CHAT } from '../support/channels';
import { payerWith, usdcBalance } from '../support/chain';
import { approvePermit2, uptoPayerWith } from '../support/upto';
import { expectBooksAsOnChain, inHeader, sql, startX402World, type X402World } from '../support/x402-world';

const FIVE_USDC = 5_000_000n;

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ env: { X402_DEPOSIT_METHOD: 'permit2' } });
});
afterEach(async () => {
  await expectBooksAsOnChain(world);
});
afterAll(() => world?.stop());

const balanceOf = async ({ address }: PrivateKeyAccount) =>
  (await sql(world, `SELECT balance FROM channels WHERE config->>'payer' = $1`, [address.toLowerCase()]))[0]?.balance;

test('a stock client whose wallet lets Permit2 move its token deposits through it, and tops up', async () => {
  const payer = await uptoPayerWith(world.chain, FIVE_USDC);
  const client = channelClient(world, payer);
  // Ten cents each, of a dollar: the eleventh tops up.
  for (let call = 1; call <= 11; call++) {
    const response = await client.call({ model: 'flat' });
    expect(response.status).toBe(200);
    const { transaction } = decodePaymentResponseHeader(response.headers.get('payment-response') as string);
    expect(transaction).toMatch(call === 1 || call === 11 ? /^0x[0-9a-f]{64}$/ : /^$/);
  }
  expect(await balanceOf(payer)).toBe(2_000_000n);
  expect(await usdcBalance(world.chain, payer.address)).toBe(FIVE_USDC - 2_000_000n);
});

test('a payer without ETH and without an approval has it sent along (EIP-2612)', async () => {
  const payer = await payerWith(world.chain, FIVE_USDC);
  const response = await channelClient(world, payer, world.chain).call();
  expect(response.status).toBe(200);
  expect(await balanceOf(payer)).toBe(1_000_000n);
});

/** What a stock client would send, open to be spoiled. */
async function signed(payer: PrivateKeyAccount) {
  const refused = await post();
  const { accepts } = JSON.parse(Buffer.from(refused.headers.get('payment-required') ?? '', 'base64').toString()) as {
    accepts: PaymentRequirements[];
  };
  const accepted = accepts.find(({ scheme }) => scheme === 'batch-settlement') as PaymentRequirements;
  const { payload } = await new BatchSettlementEvmScheme(payer).createPaymentPayload(2, accepted);
  // oxlint-disable-next-line typescript/no-explicit-any -- a payload, spoiled by tests
  return { x402Version: 2, accepted, payload: payload as any };
}
const post = (headers: Record<string, string> = {}) =>
  fetch(`${world.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(SMALL_CHAT),
  });

test('without an approval the payer is told what to approve, and the same payment is good afterwards', async () => {
  const payer = await uptoPayerWith(world.chain, FIVE_USDC, 0n);
  const payment = await signed(payer);

  const refused = await post(inHeader(payment));
  expect(refused.status).toBe(412);
  expect(await refused.json()).toMatchObject({
    code: 'permit2_allowance_required',
    approve: { to: world.chain.usdc.toLowerCase() },
  });
  await approvePermit2(world.chain, payer);

  expect((await post(inHeader(payment))).status).toBe(200);
  // Shown once more it is answered as before, and deposited no second time.
  expect((await post(inHeader(payment))).status).toBe(200);
  expect(await usdcBalance(world.chain, payer.address)).toBe(FIVE_USDC - 1_000_000n);
});

describe('refused, and nothing is sent', () => {
  let payer: PrivateKeyAccount;

  beforeAll(async () => {
    payer = await uptoPayerWith(world.chain, FIVE_USDC);
  });

  test.each([
    [
      'the spender is another one',
      { spender: '0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002' },
      'permit2_invalid_spender',
    ],
    ['the witness is another channel', { witness: { channelId: `0x${'ab'.repeat(32)}` } }, 'channel_id_mismatch'],
    ['it has lapsed', { deadline: '1700000000' }, 'permit2_deadline_expired'],
    ['the nonce was changed', { nonce: '7' }, 'permit2_invalid_signature'],
    ['it is from somebody else', { from: `0x${'ab'.repeat(20)}` }, 'permit2_invalid_signature'],
  ])('when %s', async (_what, change, reason) => {
    const payment = await signed(payer);
    Object.assign(payment.payload.deposit.authorization.permit2Authorization, change);
    const refused = await post(inHeader(payment));
    expect(refused.status).toBe(402);
    expect(await refused.json()).toMatchObject({ code: `invalid_batch_settlement_evm_${reason}` });
    expect(await usdcBalance(world.chain, payer.address)).toBe(FIVE_USDC);
  });

  test('when more is deposited than was signed', async () => {
    const payment = await signed(payer);
    payment.payload.deposit.amount = '2000000';
    const refused = await post(inHeader(payment));
    expect(await refused.json()).toMatchObject({ code: 'invalid_batch_settlement_evm_permit2_amount_mismatch' });
    expect(await usdcBalance(world.chain, payer.address)).toBe(FIVE_USDC);
  });
});
