import { createHmac, randomBytes } from 'node:crypto';
import type { ScopedGrantHint, Spending } from './spending';

/** What a key may do. `inference` spends; `billing` tops up and reads balances, invoices and exports. */
export const SCOPES = ['inference', 'billing'] as const;
export type Scope = (typeof SCOPES)[number];

/** A key as it is kept: never the secret, which is shown once. */
export interface ApiKey {
  readonly id: string;
  readonly customerId: string;
  readonly name: string;
  /** The first characters, so that a person recognises the key in a list. */
  readonly hint: string;
  readonly scopes: readonly Scope[];
  /** `null`: every model. */
  readonly models: readonly string[] | null;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly createdAt: Date;
}

/** A key that calls, with what its customer has laid down for what it spends; `null` for nothing. */
export interface KeyInUse extends ApiKey {
  readonly spending: Spending | null;
  /** `null` for none, as nearly everybody has. */
  readonly scopedGrants: readonly ScopedGrantHint[] | null;
}

const FORMAT = /^tb_[A-Za-z0-9_-]{43}$/;

/** A new secret: 256 random bits behind `tb_`. */
export const mintKey = (): string => `tb_${randomBytes(32).toString('base64url')}`;

export const isKey = (text: string): boolean => FORMAT.test(text);

/** HMAC-SHA-256 with the server's pepper: a stolen table opens nothing, and the hash is an index. */
export const hashKey = (secret: string, pepper: string): Buffer => createHmac('sha256', pepper).update(secret).digest();

export const hintOf = (secret: string): string => `${secret.slice(0, 8)}…`;

/** The secret in an `Authorization: Bearer` header, or `undefined` when there is none. */
export function bearerOf(authorization: string | undefined): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
}

export type KeyFault = 'unknown' | 'revoked' | 'expired';

/** Why a key cannot be used now, or `undefined` when it can. */
export function faultOf(key: ApiKey | undefined, now: Date): KeyFault | undefined {
  if (!key) return 'unknown';
  if (key.revokedAt && key.revokedAt <= now) return 'revoked';
  if (key.expiresAt && key.expiresAt <= now) return 'expired';
  return undefined;
}
