import { revenue } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { usdToUsdcAtPar } from '../../src/common/money';
import { TransferProofScheme } from '../../src/payments/transfer-proof/transfer-proof.scheme';
import { PricingService } from '../../src/pricing/pricing.service';
import type { Quote } from '../../src/pricing/quote';
import { instructionsOf, paidByHand, payingWallet, type PayingWallet, proofHeader } from '../support/transfers';
import { startX402World, type X402World } from '../support/x402-world';
import { describePaymentScheme } from './payment-scheme.contract';

let world: X402World;
let quote: Quote;
let wallet: PayingWallet;

beforeAll(async () => {
  world = await startX402World();
  const pricing = world.app.get(PricingService);
  quote = pricing.quote(pricing.modelFor('gpt-4o-mini', '/v1/chat/completions'), { input: 10_000n, output: 10_000n });
  wallet = await payingWallet(world.chain, 1_000_000_000n);
});
afterAll(() => world?.stop());

describePaymentScheme('transfer-proof', () => {
  const scheme = world?.app.get(TransferProofScheme);
  return {
    scheme,
    receiptHeaders: ['payment-response', 'x-payment-response'],
    quote,
    pay: async (work) => {
      const asked = instructionsOf(scheme.members({ ...work, headers: { 'wallet-provider': 'viem' } }));
      return proofHeader(await paidByHand(wallet, asked));
    },
    garbage: [
      { 'proof-of-payment': '' },
      { 'proof-of-payment': 'e30=' },
      { 'proof-of-payment': ['a', 'b'] },
      { 'proof-of-payment': 'x'.repeat(10_000) },
    ],
    taken: async () => (await world.app.get(LedgerAccountsService).balance(revenue('USDC'))).posted.atoms,
    allowed: (held, charge) => {
      const { atoms } = usdToUsdcAtPar(charge);
      return atoms < held.atoms ? atoms : held.atoms;
    },
  };
});
