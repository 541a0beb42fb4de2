import { createDataSource } from '../database/data-source.config';
import type { Command } from './command';
import { useDatabase } from './environment';
import { printLine } from './output';

/** Any number, the same in every build: replicas that start together migrate one after the other. */
const LOCK_KEY = 727_274;

/** `tollbridge migrate` */
export const migrate: Command = {
  options: { down: { value: 'N', about: 'Instead take back the last N migrations, with their data' } },
  run: async (given) => {
    const down = given.integer('down', 1, 1000);
    await useDatabase();
    const url = process.env['DATABASE_URL'] as string;
    const names = down === undefined ? await migrateUp(url) : await migrateDown(url, down);
    const verb = down === undefined ? 'ran' : 'took back';
    for (const name of names) printLine(`${verb} ${name}`);
    if (names.length === 0)
      printLine(down === undefined ? 'The database is up to date.' : 'There is none to take back.');
  },
};

/** Runs what is pending, each in a transaction of its own. @returns the names of what ran. */
export function migrateUp(url: string): Promise<string[]> {
  return locked(url, async (source) => (await source.runMigrations()).map(({ name }) => name));
}

/** Takes back the last `count`, the newest first. @returns their names. */
export function migrateDown(url: string, count: number): Promise<string[]> {
  return locked(url, async (source) => {
    const names: string[] = [];
    while (names.length < count) {
      const before = await executed(source);
      if (before.length === 0) break;
      await source.undoLastMigration();
      const after = new Set(await executed(source));
      names.push(...before.filter((name) => !after.has(name)));
    }
    return names;
  });
}

type Source = ReturnType<typeof createDataSource>;

async function locked<Result>(url: string, work: (source: Source) => Promise<Result>): Promise<Result> {
  const source = createDataSource(url, 3);
  await source.initialize();
  try {
    // A lock belongs to its connection, so that one is kept aside. Waiting may take as long as the other needs.
    const keeper = source.createQueryRunner();
    await keeper.query('SET statement_timeout = 0');
    await keeper.query('SET idle_in_transaction_session_timeout = 0');
    await keeper.query('SELECT pg_advisory_lock($1)', [LOCK_KEY]);
    try {
      return await work(source);
    } finally {
      await keeper.query('SELECT pg_advisory_unlock($1)', [LOCK_KEY]);
      await keeper.release();
    }
  } finally {
    await source.destroy();
  }
}

async function executed(source: Source): Promise<string[]> {
  const [table] = await source.query<{ there: boolean }[]>(`SELECT to_regclass('migrations') IS NOT NULL AS there`);
  if (!table?.there) return [];
  const rows = await source.query<{ name: string }[]>('SELECT name FROM migrations ORDER BY id');
  return rows.map(({ name }) => name);
}
