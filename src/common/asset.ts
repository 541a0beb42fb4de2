/** What money is counted in. Atoms are the smallest unit: 10^-scale of one whole unit. */
export interface Asset {
  readonly code: AssetCode;
  /** Decimal digits behind the point of one whole unit. */
  readonly scale: number;
}

export type AssetCode = 'USD' | 'USDC';

/** `USD` in nano-USD: one token of a $0.10-per-million model is 100 atoms. `USDC` in the chain's own micro-USDC. */
export const ASSETS: Readonly<Record<AssetCode, Asset>> = {
  USD: { code: 'USD', scale: 9 },
  USDC: { code: 'USDC', scale: 6 },
};
