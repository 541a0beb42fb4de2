import type { PrivateKeyAccount } from 'viem';
import { usdToUsdcAtPar } from '../../src/common/money';
import { revenue } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { SignIns } from '../../src/payments/wallet/sign-ins.service';
import { WalletScheme } from '../../src/payments/wallet/wallet.scheme';
import { PricingService } from '../../src/pricing/pricing.service';
import type { Quote } from '../../src/pricing/quote';
import { payerWith } from '../support/chain';
import { signChallenge } from '../support/sign-in';
import { topUpWallet } from '../support/transfers';
import { startX402World, type X402World } from '../support/x402-world';
import { describePaymentScheme } from './payment-scheme.contract';

let world: X402World;
let quote: Quote;
let wallet: PrivateKeyAccount;

beforeAll(async () => {
  world = await startX402World();
  const pricing = world.app.get(PricingService);
  quote = pricing.quote(pricing.modelFor('gpt-4o-mini', '/v1/chat/completions'), { input: 10_000n, output: 10_000n });
  wallet = await payerWith(world.chain, 10_000_000n);
  await topUpWallet(world, wallet, '10');
});
afterAll(() => world?.stop());

describePaymentScheme('wallet', () => ({
  scheme: world?.app.get(WalletScheme),
  quote,
  pay: ({ resource }) => signChallenge(wallet, world.app.get(SignIns).declarationFor(resource.url)),
  garbage: [
    { 'sign-in-with-x': '' },
    { 'sign-in-with-x': 'e30=' },
    { 'sign-in-with-x': ['a', 'b'] },
    { 'sign-in-with-x': 'x'.repeat(10_000) },
  ],
  taken: async () => (await world.app.get(LedgerAccountsService).balance(revenue('USDC'))).posted.atoms,
  allowed: (held, charge) => {
    const { atoms } = usdToUsdcAtPar(charge);
    return atoms < held.atoms ? atoms : held.atoms;
  },
}));
