import { base64, v1NetworkOf } from '../payment-required';

/** `PAYMENT-RESPONSE` (x402 v2) and `X-PAYMENT-RESPONSE` (v1): what was settled, where a client can look it up. */
export function settlementHeaders(settled: {
  transaction: string;
  network: string;
  payer: string;
  amount: string;
}): Record<string, string> {
  const { transaction, network, payer, amount } = settled;
  return {
    'payment-response': base64({ success: true, transaction, network, payer, amount }),
    'x-payment-response': base64({ success: true, transaction, network: v1NetworkOf(network) ?? network, payer }),
  };
}
