/** What money is counted in. Atoms are the smallest unit: 10^-scale of one whole unit. */
export interface Asset {
  readonly code: AssetCode;
  /** Decimal digits behind the point of one whole unit. */
  readonly scale: number;
}

export type AssetCode = 'USD' | 'USDC' | 'ETH';

/**
 * `USD` in nano-USD: one token of a $0.10-per-million model is 100 atoms. `USDC` in the chain's own micro-USDC. `ETH`,
 * the coin that gas is paid in whatever a chain calls it, in gwei: in wei, ten of them would overflow a balance.
 */
export const ASSETS: Readonly<Record<AssetCode, Asset>> = {
  USD: { code: 'USD', scale: 9 },
  USDC: { code: 'USDC', scale: 6 },
  ETH: { code: 'ETH', scale: 9 },
};

export const ASSET_CODES = Object.keys(ASSETS) as readonly AssetCode[];
