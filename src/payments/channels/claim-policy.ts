import { ceilDivide } from '../../common/money';

/** A channel with vouchers that are not claimed yet. Amounts in micro-USDC, times in milliseconds. */
export interface Unclaimed {
  readonly id: string;
  readonly atoms: bigint;
  readonly sinceMs: number;
  readonly withdrawDelayMs: number;
  readonly withdrawRequested: boolean;
  /** A transaction with it in failed: it is claimed alone, so that it fails alone. */
  readonly alone: boolean;
}

/** What a claim costs now, and how much more it must bring. */
export interface ClaimTerms {
  readonly nowMs: number;
  readonly weiPerGas: bigint;
  /** What one coin of the chain is worth, in nano-USD. */
  readonly usdPerCoin: bigint;
  /** Without any hurry, a transaction brings at least this many times what it costs. */
  readonly valueToGas: bigint;
}

/** One transaction takes as many. */
export const MOST_CHANNELS = 100;
/** A third of the delay: two thirds are left for a chain that is slow to take the claim. */
export const DELAY_PARTS = 3;
/** Gas of claim and settle in one transaction, rounded up: measured on the local contracts. */
const GAS_BASE = 100_000n;
const GAS_PER_CHANNEL = 20_000n;
/** Wei in a coin times nano-USD in a micro-USDC. */
const SCALE = 10n ** 21n;

/**
 * Which channels to claim now, one list per transaction. A channel is urgent when its payer asked for the money back, or
 * a third of the withdraw delay has passed since its oldest unclaimed voucher. Nothing is claimed at a loss: a channel
 * brings more than it adds to the gas, and a transaction with an urgent one in it what it costs; without any hurry, both
 * bring `valueToGas` times that.
 */
export function channelsToClaim(unclaimed: readonly Unclaimed[], terms: ClaimTerms): readonly (readonly Unclaimed[])[] {
  const least = leastOf(terms);
  const worthwhile = unclaimed
    .filter((channel) => channel.atoms > (isUrgent(channel, terms) ? least.urgent : least.calm))
    .toSorted((a, b) => Number(isUrgent(b, terms)) - Number(isUrgent(a, terms)) || (a.atoms < b.atoms ? 1 : -1));
  const together = worthwhile.filter(({ alone }) => !alone).slice(0, MOST_CHANNELS);
  const one = worthwhile.filter(({ alone }) => alone).map((channel) => [channel]);
  return [together, ...one].filter((list) => list.length > 0 && pays(list, terms));
}

/** What a channel must bring more than to be claimed beside others, in micro-USDC: what it adds to the gas, or a multiple. */
export function leastOf(terms: Omit<ClaimTerms, 'nowMs'>): { readonly urgent: bigint; readonly calm: bigint } {
  const share = costOf(GAS_PER_CHANNEL, terms);
  return { urgent: share, calm: share * terms.valueToGas };
}

/** What a transaction that claims so many channels costs, in micro-USDC. */
export const claimCost = (channels: number, terms: Pick<ClaimTerms, 'weiPerGas' | 'usdPerCoin'>): bigint =>
  costOf(GAS_BASE + GAS_PER_CHANNEL * BigInt(channels), terms);

/** A limit above what the claim uses: what is not used costs nothing. */
export const claimGasLimit = (channels: number): bigint => 160_000n + 45_000n * BigInt(channels);

const isUrgent = ({ withdrawRequested, sinceMs, withdrawDelayMs }: Unclaimed, { nowMs }: ClaimTerms): boolean =>
  withdrawRequested || nowMs - sinceMs >= withdrawDelayMs / DELAY_PARTS;

function pays(list: readonly Unclaimed[], terms: ClaimTerms): boolean {
  const value = list.reduce((sum, { atoms }) => sum + atoms, 0n);
  const cost = claimCost(list.length, terms);
  return list.some((channel) => isUrgent(channel, terms)) ? value >= cost : value >= cost * terms.valueToGas;
}

const costOf = (gas: bigint, { weiPerGas, usdPerCoin }: Pick<ClaimTerms, 'weiPerGas' | 'usdPerCoin'>) =>
  ceilDivide(gas * weiPerGas * usdPerCoin, SCALE);
