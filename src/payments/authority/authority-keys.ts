import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto';
import type { FindKey, SigningKey } from './attestation';

/** The keys of an authority: the first signs, all verify. */
export interface AuthorityKeys {
  readonly signing: SigningKey;
  readonly find: FindKey;
  /** JSON Web Key Set (RFC 7517) without a secret in it. */
  readonly published: { readonly keys: readonly JsonWebKey[] };
}

/**
 * Reads a JSON Web Key Set of private Ed25519 keys (RFC 8037), each with a `kid`. To rotate, a new key is put in front;
 * the old one is taken out when nothing that it signed can be settled any more.
 * @throws Error that says what is wrong, without any part of a key.
 */
export function readAuthorityKeys(jwks: string): AuthorityKeys {
  const keys = keysOf(jwks).map((jwk, index) => readKey(jwk, index));
  const byKid = new Map(keys.map((key) => [key.kid, createPublicKey(key.privateKey)]));
  if (byKid.size < keys.length) throw new Error('two keys have the same "kid"');
  const [signing] = keys;
  if (!signing) throw new Error('there is no key in it');
  return {
    signing,
    find: (kid) => byKid.get(kid),
    published: { keys: [...byKid].map(([kid, key]) => ({ ...publicJwk(key), kid, use: 'sig', alg: 'EdDSA' })) },
  };
}

function keysOf(jwks: string): unknown[] {
  let set: unknown;
  try {
    set = JSON.parse(jwks);
  } catch {
    throw new Error('it is not JSON');
  }
  const keys = typeof set === 'object' && set !== null && 'keys' in set ? set.keys : undefined;
  if (!Array.isArray(keys)) throw new Error('it has no array "keys"');
  return keys;
}

function readKey(jwk: unknown, index: number): SigningKey {
  const { kid, kty, crv, d } = (jwk ?? {}) as Record<string, unknown>;
  if (typeof kid !== 'string' || kid === '') throw new Error(`key ${index} has no "kid"`);
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof d !== 'string') {
    throw new Error(`key ${index} is not a private Ed25519 key`);
  }
  try {
    return { kid, privateKey: createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' }) };
  } catch {
    throw new Error(`key ${index} is not a private Ed25519 key`);
  }
}

const publicJwk = (key: KeyObject): JsonWebKey => key.export({ format: 'jwk' });
