import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'dotenv';
import { CommandError } from './command';
import { readRunningStack } from './stack-file';
import { readSecrets } from './stack-secrets';

/** Where the local world keeps its data: `TOLLBRIDGE_LOCAL_DIR`, else `.local` in the working directory. */
export function localDirectory(): string {
  return resolve(process.env['TOLLBRIDGE_LOCAL_DIR'] || '.local');
}

/** Puts the variables of `.env` into the environment. What is set there already, to anything but nothing, stays. */
export function loadDotEnv(): void {
  const file = join(process.cwd(), '.env');
  if (!existsSync(file)) return;
  for (const [name, value] of Object.entries(parse(readFileSync(file)))) {
    if (!process.env[name]) process.env[name] = value;
  }
}

/** The owner of one database and the application of another would be a mixture. @throws CommandError */
export function refuseHalfADatabase(): void {
  if (process.env['MIGRATION_DATABASE_URL'] && !process.env['DATABASE_URL']) {
    throw new CommandError('MIGRATION_DATABASE_URL is set and DATABASE_URL is not: name both, or neither.');
  }
}

/**
 * Prepares the environment of a command that works on the database: what is set, or else the running local stack.
 * @throws CommandError when there is neither.
 */
export async function useDatabase(): Promise<void> {
  loadDotEnv();
  // A command does its work and ends: what repeats belongs to the server or the worker.
  process.env['JOBS_IN_PROCESS'] = 'false';
  if (process.env['DATABASE_URL']) return;
  refuseHalfADatabase();
  const directory = localDirectory();
  const stack = readRunningStack(directory);
  if (!stack) {
    throw new CommandError(
      'There is no database: DATABASE_URL is not set, and no local stack runs here. Start one with npm start.',
    );
  }
  const secrets = readSecrets(directory);
  const local: Record<string, string | undefined> = {
    ...stack.environment,
    DATABASE_URL: stack.databaseUrl,
    MIGRATION_DATABASE_URL: stack.migrationDatabaseUrl ?? undefined,
    ADMIN_TOKEN: stack.adminToken,
    API_KEY_PEPPER: secrets?.apiKeyPepper,
    UPSTREAM_URL: stack.upstreamUrl,
  };
  for (const [name, value] of Object.entries(local)) {
    if (!process.env[name] && value !== undefined) process.env[name] = value;
  }
}
