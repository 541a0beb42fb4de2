import { PaymentRequiredError } from './payment-required';
import type { PaymentRequirements } from './payment-scheme';

const WORK = {
  resource: { url: 'https://ai.example/v1/completions', description: 'inference', mimeType: 'text/plain' },
};
const row = (scheme: string): PaymentRequirements => ({
  scheme,
  network: 'eip155:84532',
  amount: '32',
  asset: `0x${'11'.repeat(20)}`,
  payTo: `0x${'22'.repeat(20)}`,
  maxTimeoutSeconds: 60,
  extra: {},
});
const ROWS = [row('exact'), row('upto')];
const REFUSAL = { status: 402, code: 'too_little', detail: 'Too little.' } as const;

const headerOf = (error: PaymentRequiredError) =>
  JSON.parse(Buffer.from(error.headers['payment-required'] ?? '', 'base64').toString());

test('version 2 clients get every row, version 1 clients the only scheme that they know', () => {
  const error = new PaymentRequiredError(WORK, ROWS, 'https://ai.example/v1/topups');

  expect(headerOf(error)).toMatchObject({ x402Version: 2, error: 'payment_required', accepts: ROWS });
  expect(error.members['accepts']).toMatchObject([{ scheme: 'exact', network: 'base-sepolia' }]);
});

test('extensions are in the header, further members in the body', () => {
  const declared = { extensions: { bazaar: {} }, members: { transfer: { amount: '1' } } };
  const error = new PaymentRequiredError(WORK, ROWS, '', undefined, declared);

  expect(headerOf(error).extensions).toEqual({ bazaar: {} });
  expect(error.members).toMatchObject({ transfer: { amount: '1' } });
  expect(headerOf(new PaymentRequiredError(WORK, ROWS, ''))).not.toHaveProperty('extensions');
});

test('a refusal corrects the rows for its payer, and adds its headers', () => {
  const accepts = (rows: readonly PaymentRequirements[]) =>
    rows.map((given) => ({ ...given, extra: { charged: '7' } }));
  const refusal = { ...REFUSAL, retryAfter: 2, headers: { 'x-more': 'yes' }, accepts };
  const error = new PaymentRequiredError(WORK, ROWS, '', refusal);

  expect(headerOf(error).accepts[1].extra).toEqual({ charged: '7' });
  expect(error.headers).toMatchObject({ 'retry-after': '2', 'x-more': 'yes' });
});

test('412 says how to pay as well', () => {
  const error = new PaymentRequiredError(WORK, ROWS, '', { ...REFUSAL, status: 412 });
  expect(error.status).toBe(412);
  expect(headerOf(error).accepts).toEqual(ROWS);
});
