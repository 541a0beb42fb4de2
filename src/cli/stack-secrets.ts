import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Secrets of the local stack that outlive a run. Random rather than well known: any page in a browser can talk to
 * 127.0.0.1, and a stack with a real upstream spends real money.
 */
export interface Secrets {
  readonly adminToken: string;
  readonly apiKeyPepper: string;
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

/** The secrets of this directory, made at the first start. */
export function ensureSecrets(directory: string): Secrets {
  const kept = readSecrets(directory);
  if (kept) return kept;
  const made = { adminToken: `tba_${secret()}`, apiKeyPepper: secret() };
  writeSecrets(directory, made);
  return made;
}

export function forgetSecrets(directory: string): void {
  rmSync(pathIn(directory), { force: true });
}

const secret = (): string => randomBytes(32).toString('base64url');
