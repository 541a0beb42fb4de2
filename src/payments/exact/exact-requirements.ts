import { type Money, usdToUsdcAtPar } from '../../common/money';
import type { NetworkConfig } from '../../config/network-config';
import { v1NetworkOf } from '../payment-required';
import type { PaymentRequirements } from '../payment-scheme';
import type { ExactPayment } from './exact-payment';

/** The shortest transfer that can be asked for: a chain moves whole atoms. */
const ONE_ATOM = 1n;
/** On top of the longest work, so that the authorization still holds when the work is done. */
const SETTLE_SECONDS = 60;

/** One row of `accepts`: the ceiling in micro-USDC, rounded up (x402 `exact` on EVM, EIP-3009). */
export function exactRequirements(network: NetworkConfig, ceiling: Money, workMs: number): PaymentRequirements {
  const { atoms } = usdToUsdcAtPar(ceiling);
  return {
    scheme: 'exact',
    network: network.id,
    amount: (atoms > ONE_ATOM ? atoms : ONE_ATOM).toString(),
    asset: network.asset.address,
    payTo: network.payTo,
    maxTimeoutSeconds: Math.ceil(workMs / 1000) + SETTLE_SECONDS,
    extra: { name: network.asset.name, version: network.asset.version },
  };
}

/**
 * The row that a payment answers: that of its network, by the name that its version of x402 has for it; else the first
 * one, which says what is wrong with it. There is at least one.
 */
export function rowFor(
  { version, accepted }: Pick<ExactPayment, 'version' | 'accepted'>,
  rows: readonly PaymentRequirements[],
): PaymentRequirements {
  const nameOf = (network: string) => (version === 1 ? v1NetworkOf(network) : network);
  return (rows.find(({ network }) => accepted.network === nameOf(network)) ?? rows[0]) as PaymentRequirements;
}
