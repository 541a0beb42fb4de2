import { revenue } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { CreditBindingScheme } from '../../src/payments/credit-binding/credit-binding.scheme';
import type { Work } from '../../src/payments/payment-scheme';
import { PricingService } from '../../src/pricing/pricing.service';
import type { Quote } from '../../src/pricing/quote';
import {
  attestationOf,
  authorize,
  type CreditWorld,
  NETWORK,
  paidWith,
  startCreditWorld,
} from '../support/credit-world';
import { customerWith } from '../support/world';
import { describePaymentScheme } from './payment-scheme.contract';

const DOLLAR = 1_000_000_000n;

let world: CreditWorld;
let quote: Quote;
let bundle: { customerId: string; key: string };

beforeAll(async () => {
  // Where the suite's work is.
  world = await startCreditWorld({ env: { PUBLIC_URL: 'http://localhost' } });
  const pricing = world.app.get(PricingService);
  quote = pricing.quote(pricing.modelFor('gpt-4o-mini', '/v1/chat/completions'), { input: 10_000n, output: 10_000n });
  bundle = await customerWith(world, 10n * DOLLAR);
});
afterAll(() => world?.stop());

const inHeader = (payload: unknown, network = NETWORK) => ({
  'payment-signature': Buffer.from(
    JSON.stringify({ x402Version: 2, accepted: { scheme: 'batch-settlement', network }, payload }),
  ).toString('base64'),
});

describePaymentScheme('credit-binding', () => ({
  scheme: world.app.get(CreditBindingScheme),
  wireScheme: 'batch-settlement',
  receiptHeaders: ['payment-response'],
  spentByRelease: true,
  quote,
  pay: async (work: Work) => {
    const [required] = world.app.get(CreditBindingScheme).requirements(work);
    const amount = required?.amount;
    return paidWith(await attestationOf(authorize(world, bundle, { amount, resource: work.resource.url })));
  },
  garbage: [
    '',
    'x',
    ...[
      {},
      { type: 'consume' },
      { type: 'consume', attestation: 1 },
      { type: 'consume', attestation: '' },
      { type: 'consume', attestation: 'a.b.c' },
      { type: 'consume', attestation: 'x'.repeat(10_000) },
      { type: 'voucher', attestation: 'a.b.c' },
    ].map((payload) => inHeader(payload)['payment-signature']),
  ].map((header) => ({ 'payment-signature': header })),
  taken: async () => (await world.app.get(LedgerAccountsService).balance(revenue('USD'))).posted.atoms,
  allowed: (held, charge) => (charge.atoms < held.atoms ? charge.atoms : held.atoms),
}));

test('a payment on a channel of another network is somebody else’s', () => {
  const payment = inHeader({ type: 'consume', attestation: 'a.b.c' }, 'eip155:84532');

  expect(world.app.get(CreditBindingScheme).find(payment)).toBeUndefined();
});
