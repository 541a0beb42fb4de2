import type { Claim, KeptAnswer } from '../claim';
import { base64 } from '../payment-required';
import type { UptoClaimPayment } from './upto-hold';

/** `PAYMENT-RESPONSE` (x402 v2): what was taken of the ceiling. Without a transaction where nothing was used. */
export function responseHeaders(
  settled: Pick<Claim, 'payment' | 'capture' | 'transaction'>,
): Readonly<Record<string, string>> {
  const { requirements, authorization } = settled.payment as UptoClaimPayment;
  return {
    'payment-response': base64({
      success: true,
      transaction: settled.transaction ?? '',
      network: requirements.network,
      payer: authorization.from,
      amount: settled.capture?.charge ?? '0',
    }),
  };
}

/** What a settled claim was answered with, and the headers of its settlement; `undefined` when it is not kept. */
export const answerOf = (claim: Claim): KeptAnswer | undefined =>
  claim.answer && { ...claim.answer, headers: { ...claim.answer.headers, ...responseHeaders(claim) } };
