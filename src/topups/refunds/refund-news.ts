import { formatMoney } from '../../common/money';
import type { NewNotification } from '../../customers/notification';
import type { Refund, RefundOrigin } from './refund';

/** Who starts a refund in the dashboard is told there. */
const OF_OPERATOR: readonly RefundOrigin[] = ['operator', 'fraud_warning'];

/**
 * A refund came to nothing: the customer has its credit again, and the card has nothing.
 * @param refund As it was; `state` is what it is now.
 */
export function failedRefundNews(
  { id, origin, customerId, topUpId, gross, credit }: Refund,
  state: 'failed' | 'rejected',
  reason: string | null,
): NewNotification[] {
  const about = { refund: id, topUp: topUpId, amount: formatMoney(gross), credit: formatMoney(credit) };
  const told = { kind: `refund_${state}`, data: { ...about, reason } };
  const key = `refund:${id}:${state}`;
  return [
    ...(OF_OPERATOR.includes(origin) ? [{ ...told, customerId: null, key }] : []),
    ...(customerId === null ? [] : [{ ...told, customerId, key: `${key}:customer` }]),
  ];
}
