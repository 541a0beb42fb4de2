import { ceilDivide, formatAtoms, formatMoney, type Money, usd } from '../../common/money';
import type { GasPolicy } from '../../config/network-config';

const WEI_PER_COIN = 10n ** 18n;

/** Wei in USD at the configured rate, rounded up: a cost is never counted as less than it was. */
export const valueOfGas = (wei: bigint, { usdPerCoin }: Pick<GasPolicy, 'usdPerCoin'>): Money =>
  usd(ceilDivide(wei * usdPerCoin, WEI_PER_COIN));

/** What a settlement cost the operator, as an invoice shows it: in USD, and in coins of the chain. Plain decimals. */
export interface NetworkCost {
  readonly networkFee: string;
  readonly gas: string;
}

export const networkCost = (wei: bigint, policy: Pick<GasPolicy, 'usdPerCoin'>): NetworkCost => ({
  networkFee: formatMoney(valueOfGas(wei, policy)),
  gas: formatAtoms(wei, 18),
});
