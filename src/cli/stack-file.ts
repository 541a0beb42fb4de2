import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readOwner } from './stack-lock';

/** What `.local/stack.json` tells a script about the running local stack. `null`: not part of this one. */
export interface StackFile {
  readonly url: string;
  readonly adminToken: string;
  readonly apiKey: string;
  readonly rpcUrl: string | null;
  readonly chainId: number | null;
  readonly usdc: string | null;
  readonly payTo: string | null;
  readonly payerPrivateKey: string | null;
  readonly stripe: { readonly url: string; readonly secretKey: string; readonly webhookSecret: string } | null;
  readonly upstreamUrl: string;
  readonly databaseUrl: string;
  /** Of the owner, for `tollbridge migrate`. */
  readonly migrationDatabaseUrl: string | null;
  /** Variables of the parts that were started here, for commands: nothing that was given, which may be secret. */
  readonly environment: Readonly<Record<string, string>>;
}

const pathIn = (directory: string): string => join(directory, 'stack.json');

/** Readable by its owner only: it holds keys. Appears whole, so that a script may wait for it. */
export function writeStackFile(directory: string, stack: StackFile): void {
  const path = pathIn(directory);
  writeFileSync(`${path}.new`, `${JSON.stringify(stack, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

export function removeStackFile(directory: string): void {
  rmSync(pathIn(directory), { force: true });
}

/** The local stack that runs now; what a crashed run left behind does not count. */
export function readRunningStack(directory: string): StackFile | undefined {
  if (!readOwner(directory)) return undefined;
  try {
    return JSON.parse(readFileSync(pathIn(directory), 'utf8')) as StackFile;
  } catch {
    return undefined; // it is still starting
  }
}
