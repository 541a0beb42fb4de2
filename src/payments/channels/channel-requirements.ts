import type { Hex } from 'viem';
import { type Money, usdToUsdcAtPar } from '../../common/money';
import type { NetworkConfig } from '../../config/network-config';
import type { PaymentRequirements } from '../payment-scheme';
import { BATCH_SETTLEMENT_SCHEME } from './channel-payment';

/** On top of the longest work, so that a deposit still holds when it is sent. */
const SETTLE_SECONDS = 60;

/**
 * One row of `accepts` for a call that costs at most `ceiling`; `undefined` where channels are not offered. A client
 * deposits `minDeposit` or what it lacks, whichever is more: a large one makes top-ups, each of them a block, rare.
 */
export function channelRequirements(
  network: NetworkConfig,
  receiverAuthorizer: Hex,
  ceiling: Money,
  workMs: number,
): PaymentRequirements | undefined {
  const { channels, asset } = network;
  if (!channels) return undefined;
  const { atoms } = usdToUsdcAtPar(ceiling);
  const amount = atoms > 0n ? atoms : 1n;
  const minDeposit = amount > channels.minDepositAtoms ? amount : channels.minDepositAtoms;
  return {
    scheme: BATCH_SETTLEMENT_SCHEME,
    network: network.id,
    amount: amount.toString(),
    asset: asset.address,
    payTo: network.payTo,
    maxTimeoutSeconds: Math.ceil(workMs / 1000) + SETTLE_SECONDS,
    extra: {
      name: asset.name,
      version: asset.version,
      receiverAuthorizer,
      withdrawDelay: channels.withdrawDelaySeconds,
      minDeposit: minDeposit.toString(),
      // The published client's own default is left out: every 402 carries this row.
      ...(channels.depositMethod === 'permit2' ? { assetTransferMethod: 'permit2' } : {}),
    },
  };
}
