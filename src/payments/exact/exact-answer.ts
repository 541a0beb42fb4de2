import type { Claim, KeptAnswer } from '../claim';
import type { ExactClaimPayment } from './exact-claim';
import { settlementHeaders } from './settlement-headers';

/** What an answered claim was answered with, and the headers of its settlement as it is now; `undefined` when it is not kept. */
export function answerOf({ answer, payment, transaction }: Claim): KeptAnswer | undefined {
  if (!answer) return undefined;
  const { requirements, payment: signed } = payment as ExactClaimPayment;
  const payer = signed.authorization.from.toLowerCase();
  const headers = settlementHeaders({ ...requirements, transaction, payer });
  return { ...answer, headers: { ...answer.headers, ...headers } };
}
