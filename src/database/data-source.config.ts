import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { types } from 'pg';
import { DataSource } from 'typeorm';

// Money never passes through a `number`: int8 is parsed to bigint for every connection of the process.
types.setTypeParser(types.builtins.INT8, BigInt);

const STATEMENT_MS = 30_000;
/** How much longer than its statement may take a server may say nothing. */
export const SILENCE_MS = 5_000;

/** TypeORM's data source, shared by the application and the migration command. */
export function createDataSource(url: string, poolSize: number): DataSource {
  return new DataSource({
    type: 'postgres',
    url,
    poolSize,
    migrations: migrationFiles(),
    migrationsTableName: 'migrations',
    migrationsTransactionMode: 'each',
    applicationName: 'tollbridge',
    extra: {
      statement_timeout: STATEMENT_MS,
      idle_in_transaction_session_timeout: 30_000,
      connectionTimeoutMillis: 10_000,
      // A network that swallows everything: nobody waits for TCP to find out, which takes a quarter of an hour.
      query_timeout: STATEMENT_MS + SILENCE_MS,
      keepAlive: true,
    },
    logging: false,
  });
}

/** `migrations/` beside `src/`, both before and after compilation. */
function migrationFiles(): string[] {
  const folder = join(__dirname, '..', '..', 'migrations');
  return readdirSync(folder)
    .filter((name) => /^\d+-[\w-]+\.(ts|js)$/.test(name))
    .map((name) => join(folder, name));
}
