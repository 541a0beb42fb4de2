import { formatMoney, minus, type Money } from '../../common/money';
import type { CreditVerdict } from '../../credits/held-credit.service';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import type { Refusal } from '../refusal';

/** 402 for "no money" and 402 for "money is tied up in calls in flight" differ: only the second passes by waiting. */
export function creditRefusal(verdict: CreditVerdict, wanted: Money): Refusal {
  if (verdict.verdict === 'frozen') {
    return {
      status: 402,
      code: 'credit_owed',
      detail: 'A call cost more than the balance could bear, and the rest is owed.',
      hint: 'Top up: what is owed is repaid first, then calls work again.',
    };
  }
  if (verdict.verdict !== 'insufficient') throw new LedgerRefusedError('hold', verdict.verdict);
  const missing = minus(wanted, verdict.available);
  const members = {
    required: formatMoney(wanted),
    available: formatMoney(verdict.available),
    missing: formatMoney(missing),
    currency: 'USD',
  };
  if (verdict.held.atoms >= missing.atoms) {
    return {
      status: 402,
      code: 'credit_in_flight',
      detail: `This call needs up to $${members.required}; $${formatMoney(verdict.held)} of the balance is held by calls in flight.`,
      hint: 'Repeat the request when they have finished, or top up.',
      retryAfter: 1,
      members,
    };
  }
  return {
    status: 402,
    code: 'insufficient_credit',
    detail: `This call needs up to $${members.required} and the balance is $${members.available}: $${members.missing} is missing.`,
    hint: 'Top up at topUpUrl, or ask for fewer output tokens.',
    members,
  };
}
