import { type Money, usdToUsdcAtPar } from '../../common/money';
import type { X402Config } from '../../config/config';
import type { PaymentRequirements } from '../payment-scheme';

/** The shortest transfer that can be asked for: a chain moves whole atoms. */
const ONE_ATOM = 1n;
/** On top of the longest work, so that the authorization still holds when the work is done. */
const SETTLE_SECONDS = 60;

/** One row of `accepts`: the ceiling in micro-USDC, rounded up (x402 `exact` on EVM, EIP-3009). */
export function exactRequirements(x402: X402Config, ceiling: Money, workMs: number): PaymentRequirements {
  const { atoms } = usdToUsdcAtPar(ceiling);
  return {
    scheme: 'exact',
    network: x402.network,
    amount: (atoms > ONE_ATOM ? atoms : ONE_ATOM).toString(),
    asset: x402.asset.address,
    payTo: x402.payTo,
    maxTimeoutSeconds: Math.ceil(workMs / 1000) + SETTLE_SECONDS,
    extra: { name: x402.asset.name, version: x402.asset.version },
  };
}
