import { BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/client';
import type { PaymentRequirements as StockRequirements } from '@x402/core/types';
import { usdToUsdcAtPar } from '../../src/common/money';
import { revenue } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { ChannelsScheme } from '../../src/payments/channels/channels.scheme';
import type { Work } from '../../src/payments/payment-scheme';
import { PricingService } from '../../src/pricing/pricing.service';
import type { Quote } from '../../src/pricing/quote';
import { payerWith } from '../support/chain';
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

const envelope = (payload: unknown, network = 'eip155:84532') =>
  inHeader({ x402Version: 2, accepted: { scheme: 'batch-settlement', network }, payload });

describePaymentScheme('batch-settlement', () => {
  const scheme = world?.app.get(ChannelsScheme);
  return {
    scheme,
    receiptHeaders: ['payment-response'],
    quote,
    // A wallet of its own for each: the stock client opens a channel with a deposit.
    pay: async (work: Work) => {
      const [accepted] = scheme.requirements(work);
      const client = new BatchSettlementEvmScheme(await payerWith(world.chain, 2_000_000n));
      const { payload } = await client.createPaymentPayload(2, accepted as StockRequirements);
      return inHeader({ x402Version: 2, accepted, payload });
    },
    garbage: [
      envelope({}),
      envelope({ type: 'voucher' }),
      envelope({ type: 'voucher', channelConfig: {}, voucher: {} }),
      envelope({ type: 'gift' }, 'eip155:1'),
      envelope(
        {
          type: 'voucher',
          channelConfig: {
            payer: `0x${'1'.repeat(40)}`,
            payerAuthorizer: `0x${'1'.repeat(40)}`,
            receiver: `0x${'2'.repeat(40)}`,
            receiverAuthorizer: `0x${'3'.repeat(40)}`,
            token: `0x${'4'.repeat(40)}`,
            withdrawDelay: 900,
            salt: `0x${'0'.repeat(64)}`,
          },
          voucher: { channelId: `0x${'5'.repeat(64)}`, maxClaimableAmount: '1', signature: `0x${'6'.repeat(130)}` },
        },
        'eip155:1',
      ),
    ],
    taken: async () => (await world.app.get(LedgerAccountsService).balance(revenue('USDC'))).posted.atoms,
    allowed: (held, charge) => {
      const { atoms } = usdToUsdcAtPar(charge);
      return atoms < held.atoms ? atoms : held.atoms;
    },
  };
});
