import { formatMoney } from '../common/money';
import type { Receipt } from '../payments/payment-scheme';
import type { PaidCall } from './paid-call';

/** It is the answer that an earlier copy of the request got. */
export const REPLAYED = { 'x-tollbridge-replayed': 'true' };

/** Of every answer to a call. */
export const callHeaders = ({ call }: PaidCall): Record<string, string> => ({
  'cache-control': 'private, no-store',
  'x-request-id': call.id,
});

/** Of an answer with an invoice; in a stream, nobody knows the cost yet. */
export function costHeaders(paid: PaidCall, cost: string | undefined, invoiceId: string): Record<string, string> {
  return {
    ...callHeaders(paid),
    'x-tollbridge-invoice': invoiceId,
    ...(cost === undefined ? {} : { 'x-tollbridge-cost': cost }),
  };
}

/** Of an answer that is paid for. */
export const receiptHeaders = (receipt: Receipt): Record<string, string> => ({
  ...receipt.headers,
  'x-tollbridge-cost': formatMoney(receipt.charge),
  ...(receipt.balance === undefined ? {} : { 'x-tollbridge-balance': formatMoney(receipt.balance) }),
});
