import { ceilDivide, type Money, usd } from '../../common/money';
import type { GasPolicy } from '../../config/network-config';

const WEI_PER_COIN = 10n ** 18n;

/** Wei in USD at the configured rate, rounded up: a cost is never counted as less than it was. */
export const valueOfGas = (wei: bigint, { usdPerCoin }: Pick<GasPolicy, 'usdPerCoin'>): Money =>
  usd(ceilDivide(wei * usdPerCoin, WEI_PER_COIN));
