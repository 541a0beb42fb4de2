import { usd } from '../../common/money';
import { centsCeiling, centsFloor } from './cents';
import type { SettleFault, Settlement } from './commitment';

/** What the draft answers to `/settle`, and what a resource server passes on as `PAYMENT-RESPONSE`. */
export function settleResponse(settlement: Settlement, network: string): Record<string, unknown> {
  const { commitmentId, bundleId, chargedNanoUsd, balanceNanoUsd } = settlement;
  return {
    success: true,
    transaction: '',
    network,
    payer: bundleId,
    amount: '',
    extra: {
      commitmentId,
      chargedAmount: centsCeiling(usd(BigInt(chargedNanoUsd))).toString(),
      // Cents are too coarse for inference: what the ledger took, exactly.
      tollbridge: { chargedNanoUsd },
      bundleState: {
        bundleId,
        balance: centsFloor(usd(BigInt(balanceNanoUsd))).toString(),
        asset: 'USD',
        // Prepaid credit does not lapse.
        expiresAt: null,
      },
    },
  };
}

export const settleFailure = (errorReason: SettleFault, network: string): Record<string, unknown> => ({
  success: false,
  errorReason,
  transaction: '',
  network,
});
