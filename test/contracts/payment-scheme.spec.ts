import { usdToUsdcAtPar } from '../../src/common/money';
import { revenue } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { CreditScheme } from '../../src/payments/credit/credit.scheme';
import { ExactScheme } from '../../src/payments/exact/exact.scheme';
import type { Work } from '../../src/payments/payment-scheme';
import { PricingService } from '../../src/pricing/pricing.service';
import type { Quote } from '../../src/pricing/quote';
import { CashScheme } from '../support/cash.scheme';
import { payerWith } from '../support/chain';
import { customerWith } from '../support/world';
import { inHeader, signPayment, startX402World, type X402World } from '../support/x402-world';
import { describePaymentScheme } from './payment-scheme.contract';

let world: X402World;
let quote: Quote;
let key: string;

beforeAll(async () => {
  world = await startX402World();
  const pricing = world.app.get(PricingService);
  quote = pricing.quote(pricing.modelFor('gpt-4o-mini', '/v1/chat/completions'), { input: 10_000n, output: 10_000n });
  ({ key } = await customerWith(world, 10_000_000_000n));
});
afterAll(() => world?.stop());

const received = async (asset: 'USD' | 'USDC') =>
  (await world.app.get(LedgerAccountsService).balance(revenue(asset))).posted.atoms;

const cash = new CashScheme();
let serial = 0;
describePaymentScheme('cash', () => ({
  scheme: cash,
  quote,
  pay: async () => ({ 'x-banknote': String(++serial) }),
  garbage: [{ 'x-banknote': '' }, { 'x-banknote': 'monopoly' }, { 'x-banknote': ['1', '2'] }],
  taken: async () => cash.taken,
  allowed: (held, charge) => (charge.atoms < held.atoms ? charge.atoms : held.atoms),
}));

describePaymentScheme('credit', () => ({
  scheme: world.app.get(CreditScheme),
  quote,
  pay: async () => ({ authorization: `Bearer ${key}` }),
  garbage: ['Bearer', 'Bearer ', 'Bearer tb_nobody', 'Basic dXNlcjpwYXNz', '', `Bearer ${'x'.repeat(10_000)}`].map(
    (authorization) => ({ authorization }),
  ),
  taken: () => received('USD'),
  // Above the hold too, where the balance bears it.
  allowed: (_, charge) => charge.atoms,
}));

describePaymentScheme('exact', () => {
  const scheme = world?.app.get(ExactScheme);
  return {
    scheme,
    receiptHeaders: ['payment-response', 'x-payment-response'],
    quote,
    pay: async (work: Work) => {
      const [required] = scheme.requirements(work);
      return inHeader(await signPayment(await payerWith(world.chain, 1_000_000n), required!));
    },
    garbage: [
      '',
      'x',
      '{}',
      Buffer.from('null').toString('base64'),
      Buffer.from('{"x402Version":2}').toString('base64'),
    ].flatMap((header) => [{ 'payment-signature': header }, { 'x-payment': header }]),
    taken: () => received('USDC'),
    allowed: (held, charge) => {
      const { atoms } = usdToUsdcAtPar(charge);
      return atoms < held.atoms ? atoms : held.atoms;
    },
  };
});
