import { decodePaymentRequiredHeader, decodePaymentResponseHeader } from '@x402/core/http';
import { ExactEvmScheme } from '@x402/evm';
import {
  decodeSignedOffers,
  type EIP712SignedOffer,
  type EIP712SignedReceipt,
  extractOffersFromPaymentRequired,
  extractReceiptFromResponse,
  findAcceptsObjectFromSignedOffer,
  verifyOfferSignatureEIP712,
  verifyReceiptMatchesOffer,
  verifyReceiptSignatureEIP712,
} from '@x402/extensions/offer-receipt';
import { wrapFetchWithPaymentFromConfig } from '@x402/fetch';
import { recoverTypedDataAddress } from 'viem';
import { DEV_WALLETS } from '../../src/local/chain';
import {
  CHARGE_RECEIPT,
  chargeReceiptTypedData,
  type SignedChargeReceipt,
} from '../../src/payments/extensions/charge-receipt';
import { payerWith } from '../support/chain';
import { startX402World, type X402World } from '../support/x402-world';
import { chat } from '../support/world';

const CHAT = { model: 'gpt-4o-mini', max_tokens: 50, messages: [{ role: 'user', content: 'Say something.' }] };
const SIGNER = DEV_WALLETS.facilitator.address;

let world: X402World;
beforeAll(async () => {
  world = await startX402World({ env: { X402_EXTENSIONS: 'payment-identifier,offer-receipt' } });
});
afterAll(() => world?.stop());

const requiredOf = (response: Response) => decodePaymentRequiredHeader(response.headers.get('payment-required') ?? '');

test('the published package verifies what was offered and what was paid', async () => {
  const required = requiredOf(await chat(world.url, undefined, CHAT));
  const signed = extractOffersFromPaymentRequired(required);
  expect(signed).toHaveLength(required.accepts.length);
  for (const offer of signed) {
    const { signer, payload } = await verifyOfferSignatureEIP712(offer as EIP712SignedOffer);
    expect(signer).toBe(SIGNER);
    expect(payload.validUntil).toBeGreaterThan(Date.now() / 1000);
  }
  const [offer] = decodeSignedOffers(signed).filter(({ scheme }) => scheme === 'exact');
  if (!offer) throw new Error('No exact offer.');
  const row = findAcceptsObjectFromSignedOffer(offer, required.accepts);
  expect(row).toEqual(required.accepts.find(({ scheme }) => scheme === 'exact'));

  const payer = await payerWith(world.chain, 1_000_000n);
  const paying = wrapFetchWithPaymentFromConfig(fetch, {
    schemes: [{ network: 'eip155:*', client: new ExactEvmScheme(payer) }],
  });
  const response = await paying(`${world.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(CHAT),
  });
  expect(response.status).toBe(200);
  const receipt = extractReceiptFromResponse(response) as EIP712SignedReceipt;
  expect((await verifyReceiptSignatureEIP712(receipt)).signer).toBe(SIGNER);
  expect(verifyReceiptMatchesOffer(receipt, offer, [payer.address])).toBe(true);
  const settled = decodePaymentResponseHeader(response.headers.get('payment-response') ?? '');
  expect(receipt.payload.transaction).toBe(settled.transaction);

  const charge = chargeOf(settled);
  if (!charge) throw new Error('No signed charge.');
  expect(await signerOf(charge)).toBe(SIGNER);
  expect(charge.payload).toMatchObject({
    payer: settled.payer,
    transaction: settled.transaction,
    invoice: response.headers.get('x-tollbridge-invoice'),
    model: 'gpt-4o-mini',
    asset: 'USDC',
    priceVersion: 1,
  });
  const { usage } = (await response.json()) as { usage: { prompt_tokens: number; completion_tokens: number } };
  expect(JSON.parse(charge.payload.usage)).toMatchObject({
    input: String(usage.prompt_tokens),
    output: String(usage.completion_tokens),
  });
  const more = { ...charge, payload: { ...charge.payload, amount: `${charge.payload.amount}0` } };
  expect(await signerOf(more)).not.toBe(SIGNER);
});

const chargeOf = (settled: ReturnType<typeof decodePaymentResponseHeader>) =>
  (settled.extensions?.[CHARGE_RECEIPT] as { info: { receipt: SignedChargeReceipt } } | undefined)?.info.receipt;
const signerOf = ({ payload, signature }: SignedChargeReceipt) =>
  recoverTypedDataAddress({ ...chargeReceiptTypedData(payload), signature });
