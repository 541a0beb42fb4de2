import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApplication } from '../../src/application';
import { migrateUp } from '../../src/cli/migrate';
import { LOCAL_SECRETS } from '../../src/config/config';
import type { LocalPostgres } from '../../src/local/postgres';
import { startMigratedPostgres } from './migrated-postgres';

/** The application on a PostgreSQL of its own, listening on a free port. */
export interface TestApp {
  readonly url: string;
  readonly app: NestFastifyApplication;
  /** The application's: it can alter nothing that is on the books. */
  readonly databaseUrl: string;
  /** For tests that tamper. The same as `databaseUrl` when `startAppOn` was not told. */
  readonly ownerUrl: string;
  readonly adminToken: string;
  stop(): Promise<void>;
}

/** Starts a migrated database and the application on it. `env` adds or overrides variables. */
export async function startTestApp(env: Record<string, string> = {}): Promise<TestApp> {
  const postgres = await startMigratedPostgres();
  const started = await startAppOn(postgres, env);
  return {
    ...started,
    stop: async () => {
      await started.stop();
      await postgres.stop();
    },
  };
}

/** A further application (a replica) on a database that already runs. */
export async function startAppOn(
  postgres: { url: string; ownerUrl?: string },
  env: Record<string, string> = {},
): Promise<TestApp> {
  Object.assign(process.env, baseEnvironment(postgres.url), env);
  const app = await createApplication(process.env['TEST_LOG'] ? undefined : false);
  await app.listen(Number(env['PORT'] ?? 0), '127.0.0.1');
  return {
    url: (await app.getUrl()).replace('[::1]', '127.0.0.1'),
    app,
    databaseUrl: postgres.url,
    ownerUrl: postgres.ownerUrl ?? postgres.url,
    adminToken: LOCAL_SECRETS.adminToken,
    stop: () => app.close(),
  };
}

/** As `tollbridge migrate`; with one URL the application is the owner, as it should not be. */
export async function migrate(ownerUrl: string, applicationUrl = ownerUrl): Promise<void> {
  await migrateUp(ownerUrl, applicationUrl);
}

export function baseEnvironment(databaseUrl: string): Record<string, string> {
  return {
    NODE_ENV: 'test',
    DATABASE_URL: databaseUrl,
    ADMIN_TOKEN: LOCAL_SECRETS.adminToken,
    API_KEY_PEPPER: LOCAL_SECRETS.apiKeyPepper,
    UPSTREAM_URL: 'http://127.0.0.1:9',
    JOBS_IN_PROCESS: 'true',
  };
}

export type { LocalPostgres };
