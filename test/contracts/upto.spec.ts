import { usdToUsdcAtPar } from '../../src/common/money';
import { revenue } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import type { Work } from '../../src/payments/payment-scheme';
import { UptoScheme } from '../../src/payments/upto/upto.scheme';
import { PricingService } from '../../src/pricing/pricing.service';
import type { Quote } from '../../src/pricing/quote';
import { signUpto, uptoPayerWith } from '../support/upto';
import { inHeader, startX402World, type X402World } from '../support/x402-world';
import { describePaymentScheme } from './payment-scheme.contract';

let world: X402World;
let quote: Quote;

beforeAll(async () => {
  world = await startX402World();
  const pricing = world.app.get(PricingService);
  quote = pricing.quote(pricing.modelFor('gpt-4o-mini', '/v1/chat/completions'), { input: 10_000n, output: 10_000n });
});
afterAll(() => world?.stop());

describePaymentScheme('upto', () => {
  const scheme = world?.app.get(UptoScheme);
  return {
    scheme,
    receiptHeaders: ['payment-response'],
    quote,
    pay: async (work: Work) => {
      const [required] = scheme.requirements(work);
      return inHeader(await signUpto(await uptoPayerWith(world.chain, 1_000_000n), required!));
    },
    garbage: [
      inHeader({ x402Version: 2, accepted: { scheme: 'upto', network: 'eip155:1' }, payload: {} }),
      inHeader({ x402Version: 2, accepted: { scheme: 'upto', network: 'eip155:1' }, payload: { signature: '0x' } }),
    ],
    taken: async () => (await world.app.get(LedgerAccountsService).balance(revenue('USDC'))).posted.atoms,
    allowed: (held, charge) => {
      const { atoms } = usdToUsdcAtPar(charge);
      return atoms < held.atoms ? atoms : held.atoms;
    },
  };
});
