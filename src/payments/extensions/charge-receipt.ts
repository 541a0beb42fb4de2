import type { Hex } from 'viem';

/** Key of our own x402 extension: what the published receipt leaves out. */
export const CHARGE_RECEIPT = 'tollbridge-charge-receipt';

/** What a signed charge says. Integers are decimal strings where they are larger than JSON's numbers may be. */
export interface ChargeReceipt {
  readonly version: 1;
  readonly resourceUrl: string;
  readonly network: string;
  readonly payer: string;
  /** Hash of the settlement; empty when it comes later, as for a channel. */
  readonly transaction: string;
  /** Unix seconds. */
  readonly issuedAt: number;
  readonly invoice: string;
  readonly model: string;
  /** The asset of `amount`, by its code: `USDC` or `USD`. */
  readonly asset: string;
  /** What was charged, in atoms of the asset. */
  readonly amount: string;
  /** Counted units by meter, as JSON with its members in alphabetical order; `{}` when nobody counted. */
  readonly usage: string;
  readonly priceVersion: number;
}

export interface SignedChargeReceipt {
  readonly format: 'eip712';
  readonly payload: ChargeReceipt;
  readonly signature: Hex;
}

/** EIP-712, in the manner of x402's `offer-receipt`: no contract reads it, so the chain is 1 for every network. */
export const CHARGE_RECEIPT_DOMAIN = { name: 'tollbridge charge receipt', version: '1', chainId: 1 } as const;

export const CHARGE_RECEIPT_TYPES = {
  ChargeReceipt: [
    { name: 'version', type: 'uint256' },
    { name: 'resourceUrl', type: 'string' },
    { name: 'network', type: 'string' },
    { name: 'payer', type: 'string' },
    { name: 'transaction', type: 'string' },
    { name: 'issuedAt', type: 'uint256' },
    { name: 'invoice', type: 'string' },
    { name: 'model', type: 'string' },
    { name: 'asset', type: 'string' },
    { name: 'amount', type: 'string' },
    { name: 'usage', type: 'string' },
    { name: 'priceVersion', type: 'uint256' },
  ],
} as const;

/** What is signed for a receipt, as viem takes it. */
export const chargeReceiptTypedData = (payload: ChargeReceipt) => ({
  domain: CHARGE_RECEIPT_DOMAIN,
  types: CHARGE_RECEIPT_TYPES,
  primaryType: 'ChargeReceipt' as const,
  message: {
    ...payload,
    version: BigInt(payload.version),
    issuedAt: BigInt(payload.issuedAt),
    priceVersion: BigInt(payload.priceVersion),
  },
});
