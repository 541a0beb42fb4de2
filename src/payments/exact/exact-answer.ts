import type { Claim, KeptAnswer } from '../claim';
import type { ExactClaimPayment } from './exact-settlement.service';
import { settlementHeaders } from './settlement-headers';

/** What a settled claim was answered with, and the headers of its settlement; `undefined` when it is not kept. */
export function answerOf({ answer, payment, transaction }: Claim): KeptAnswer | undefined {
  if (!answer || transaction === null) return undefined;
  const { requirements, payment: signed } = payment as ExactClaimPayment;
  const payer = signed.authorization.from.toLowerCase();
  const headers = settlementHeaders({ ...requirements, transaction, payer });
  return { ...answer, headers: { ...answer.headers, ...headers } };
}
