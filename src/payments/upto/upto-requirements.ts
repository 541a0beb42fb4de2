import { type Money, usdToUsdcAtPar } from '../../common/money';
import type { PaymentRequirements } from '../payment-scheme';

/** The shortest transfer that can be asked for: a chain moves whole atoms. */
const ONE_ATOM = 1n;
/** On top of the longest work, so that the authorization still holds when the work is done. */
const SETTLE_SECONDS = 60;

/** What a row of `accepts` says of the network and of us. */
export interface UptoOffer {
  readonly network: `eip155:${number}`;
  readonly payTo: string;
  readonly asset: { readonly address: string; readonly name: string; readonly version: string };
  /** The key of ours that will settle: the payer signs for it alone. */
  readonly facilitator: string;
}

/** One row of `accepts`: the ceiling in micro-USDC, rounded up (x402 `upto` on EVM, Permit2). */
export function uptoRequirements(offer: UptoOffer, ceiling: Money, workMs: number): PaymentRequirements {
  const { atoms } = usdToUsdcAtPar(ceiling);
  const { name, version, address } = offer.asset;
  return {
    scheme: 'upto',
    network: offer.network,
    amount: (atoms > ONE_ATOM ? atoms : ONE_ATOM).toString(),
    asset: address,
    payTo: offer.payTo,
    maxTimeoutSeconds: Math.ceil(workMs / 1000) + SETTLE_SECONDS,
    extra: { name, version, assetTransferMethod: 'permit2', facilitatorAddress: offer.facilitator },
  };
}
