import { base64, v1NetworkOf } from '../payment-required';

/**
 * `PAYMENT-RESPONSE` (x402 v2) and `X-PAYMENT-RESPONSE` (v1): what was settled, where a client can look it up.
 *
 * A settlement that is still to come has no transaction yet, and says so in `extra`. It is a success all the same, as
 * that of a voucher is whose claim comes later: published clients read `success: false` as "not paid" and may pay again.
 */
export function settlementHeaders(settled: {
  /** `null` while it is still to come. */
  transaction: string | null;
  network: string;
  payer: string;
  amount: string;
}): Record<string, string> {
  const { network, payer, amount } = settled;
  const transaction = settled.transaction ?? '';
  const extra = settled.transaction === null ? { extra: { settlement: 'pending' } } : {};
  const v1Network = v1NetworkOf(network) ?? network;
  return {
    'payment-response': base64({ success: true, transaction, network, payer, amount, ...extra }),
    'x-payment-response': base64({ success: true, transaction, network: v1Network, payer, ...extra }),
  };
}
