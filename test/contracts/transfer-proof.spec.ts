import { revenue } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { newId } from '../../src/common/id';
import { usdc, usdToUsdcAtPar } from '../../src/common/money';
import type { KeptAnswer } from '../../src/payments/claim';
import { CreditCapture } from '../../src/payments/credit/credit-capture.service';
import type { PaymentPayload, Work } from '../../src/payments/payment-scheme';
import { TransferProofScheme } from '../../src/payments/transfer-proof/transfer-proof.scheme';
import { TransferRecovery } from '../../src/payments/transfer-proof/transfer-recovery.service';
import { PricingService } from '../../src/pricing/pricing.service';
import type { Quote } from '../../src/pricing/quote';
import { instructionsOf, paidByHand, payingWallet, type PayingWallet, proofHeader } from '../support/transfers';
import { sql, startX402World, type X402World } from '../support/x402-world';
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

test.each([true, false])(
  'a process that dies leaves a transfer on the books (its answer was kept: %s)',
  async (kept) => {
    const [scheme, captures] = [world.app.get(TransferProofScheme), world.app.get(CreditCapture)];
    const work: Work = {
      callId: newId(),
      quote,
      resource: { url: 'http://localhost/v1/chat/completions', description: 'inference', mimeType: 'application/json' },
      model: 'gpt-4o-mini',
      stream: false,
      fingerprint: newId(),
      idempotencyKey: undefined,
      headers: { 'wallet-provider': 'viem' },
    };
    const headers = proofHeader(await paidByHand(wallet, instructionsOf(scheme.members(work))));
    const attempt = (callId: string) =>
      scheme.hold(scheme.find(headers) as PaymentPayload, { ...work, headers, callId });
    const outcome = await attempt(work.callId);
    if (outcome.kind !== 'held') throw new Error(outcome.kind);
    const { hold } = outcome;
    const claimKey = hold.claimKey as string;
    const answer: KeptAnswer = { status: 200, headers: {}, body: Buffer.from('An answer.') };
    const taken = { callId: hold.callId, customerId: hold.customerId, held: hold.amount, charge: usdc(3n), rows: {} };
    const before = (await world.app.get(LedgerAccountsService).balance(revenue('USDC'))).posted.atoms;
    if (kept) await captures.keep(claimKey, taken, answer);

    await sql(world, `UPDATE claims SET lease_until = now() - interval '1 second' WHERE key = $1`, [claimKey]);
    await world.app.get(TransferRecovery).recover();

    const after = (await world.app.get(LedgerAccountsService).balance(revenue('USDC'))).posted.atoms;
    expect(after - before).toBe(kept ? 3n : 0n);
    const again = await attempt(newId());
    expect(again.kind).toBe(kept ? 'replay' : 'held');
    if (again.kind === 'held') await scheme.release(again.hold, { code: 'upstream_failed', rows: () => ({}) });
    const open = await sql(world, `SELECT id FROM holds WHERE state = 'open' AND id = $1`, [hold.callId]);
    expect(open).toEqual([]);
  },
);
