import { generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { newId } from './id';

/** A new private Ed25519 key as a JSON Web Key (RFC 8037), named by an id. */
export function newSigningKey(): JsonWebKey {
  return { ...generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' }), kid: newId() };
}
