/** Somebody's service that sells for the credit of our bundles. */
export interface ResourceServer {
  readonly id: string;
  readonly name: string;
  /** The `aud` of the attestations that it may settle. */
  readonly origin: string;
  /** The first characters of its key. */
  readonly hint: string;
  /** Addresses to which our facilitator may settle for it. */
  readonly payTo: readonly string[];
  /** It settles in batches: a hold lives a day longer than the attestation, not an hour. */
  readonly deferred: boolean;
  readonly createdAt: Date;
  readonly revokedAt: Date | null;
}
