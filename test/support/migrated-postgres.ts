import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { migrateUp } from '../../src/cli/migrate';
import { type LocalPostgres, startPostgres, startTemporaryPostgres } from '../../src/local/postgres';

/**
 * A PostgreSQL of its own for a test, with all migrations. Each worker of jest makes and migrates one cluster, and its
 * specs start copies of that: seconds less for each of some two hundred specs.
 */
export async function startMigratedPostgres(): Promise<LocalPostgres> {
  return startTemporaryPostgres({ copyOf: await migratedCluster() });
}

/** The data directory of a stopped server. */
async function migratedCluster(): Promise<string> {
  const { TOLLBRIDGE_TEST_CLUSTERS: clusters, JEST_WORKER_ID: worker = '1' } = process.env;
  if (!clusters) throw new Error('TOLLBRIDGE_TEST_CLUSTERS is not set: globalSetup of jest.config.json did not run');
  const dataDir = join(clusters, worker);
  const complete = join(dataDir, 'complete');
  if (existsSync(complete)) return dataDir;
  rmSync(dataDir, { recursive: true, force: true });
  mkdirSync(dataDir, { mode: 0o755 });
  const postgres = await startPostgres({ dataDir });
  try {
    await migrateUp(postgres.ownerUrl, postgres.url);
  } finally {
    await postgres.stop();
  }
  writeFileSync(complete, '');
  return dataDir;
}
