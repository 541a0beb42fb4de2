import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newSigningKey } from '../common/signing-key';

/**
 * Secrets of the local stack that outlive a run. Random rather than well known: any page in a browser can talk to
 * 127.0.0.1, and a stack with a real upstream spends real money.
 */
export interface Secrets {
  readonly adminToken: string;
  readonly apiKeyPepper: string;
  /** JSON Web Key Set of the credit authority. */
  readonly creditAuthorityJwks: string;
  /** The key of the first customer. Kept here because the database has only its hash. */
  readonly apiKey?: string;
}

const pathIn = (directory: string): string => join(directory, 'secrets.json');

export function readSecrets(directory: string): Secrets | undefined {
  try {
    return JSON.parse(readFileSync(pathIn(directory), 'utf8')) as Secrets;
  } catch {
    return undefined;
  }
}

export function writeSecrets(directory: string, secrets: Secrets): void {
  writeFileSync(pathIn(directory), `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
}

/** The secrets of this directory: each is made at the first start that knows it, and stays. */
export function ensureSecrets(directory: string): Secrets {
  const kept = readSecrets(directory);
  const secrets = {
    adminToken: `tba_${secret()}`,
    apiKeyPepper: secret(),
    creditAuthorityJwks: JSON.stringify({ keys: [newSigningKey()] }),
    ...kept,
  };
  writeSecrets(directory, secrets);
  return secrets;
}

export function forgetSecrets(directory: string): void {
  rmSync(pathIn(directory), { force: true });
}

const secret = (): string => randomBytes(32).toString('base64url');
