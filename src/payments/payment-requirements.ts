/** x402 v2, `accepts[]`. Amounts are atoms of the asset as a decimal string. */
export interface PaymentRequirements {
  readonly scheme: string;
  readonly network: `${string}:${string}`;
  readonly amount: string;
  readonly asset: string;
  readonly payTo: string;
  readonly maxTimeoutSeconds: number;
  readonly extra: Record<string, unknown>;
}
