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

/** Clocks differ, and some clients round up. */
const SLACK_SECONDS = 3_600;

/**
 * The latest end of validity that a payment may have, in Unix seconds: published clients sign `now + maxTimeoutSeconds`.
 * A payment that cannot be settled is tried again until it lapses, which is not for ever.
 */
export const latestEnd = ({ maxTimeoutSeconds }: Pick<PaymentRequirements, 'maxTimeoutSeconds'>, now: number): bigint =>
  BigInt(now + maxTimeoutSeconds + SLACK_SECONDS);
