import type { UsageConvention } from '../metering/usage';
import type { Encoding } from '../metering/encodings';

/** The paths that a model answers. */
export const ENDPOINTS = [
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/embeddings',
  '/v1/images/generations',
] as const;
export type Endpoint = (typeof ENDPOINTS)[number];

/** Variables that may hold a model server's key. No other secret of the process can be sent to a server by naming it. */
export const UPSTREAM_KEY_ENV = /^UPSTREAM_(?:[A-Z0-9_]{0,80}_)?API_KEY$/;

/** A model that can be called, and where it is. */
export interface Model {
  readonly id: string;
  readonly endpoints: readonly Endpoint[];
  readonly encoding: Encoding;
  /** Reserved when a caller names no maximum, and the most that is ever reserved. */
  readonly maxOutputTokens: number;
  readonly usageConvention: UsageConvention;
  /** Left out: `UPSTREAM_URL`. */
  readonly upstreamUrl: string | null;
  /** Name of the environment variable that holds the key; left out: `UPSTREAM_API_KEY`. Never the key itself. */
  readonly upstreamKeyEnv: string | null;
  /** What the upstream calls this model; left out: the same name. */
  readonly upstreamModel: string | null;
  readonly provider: string;
  /** Endpoints that answer an x402 payment as soon as it is verified and claimed; on all others it is settled first. */
  readonly answersAfterClaim: readonly Endpoint[];
}
