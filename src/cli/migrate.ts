import { grantRights, letReadNewTables, ownerOf } from '../database/application-rights';
import { createDataSource } from '../database/data-source.config';
import type { Tx } from '../database/tx';
import { ensureApplicationRole, roleOf } from './application-role';
import { type Command, CommandError } from './command';
import { useDatabase } from './environment';
import { printLine } from './output';

/** Any number, the same in every build: replicas that start together migrate one after the other. */
const LOCK_KEY = 727_274;

/** `tollbridge migrate` */
export const migrate: Command = {
  options: { down: { value: 'N', about: 'Instead take back the last N migrations, with their data' } },
  notes: [
    'Runs as the user of MIGRATION_DATABASE_URL, who owns everything, and gives the user of DATABASE_URL the rights of',
    'the application: to read the books, and to write them through the ledger alone.',
  ],
  run: async (given) => {
    const down = given.integer('down', 1, 1000);
    await useDatabase();
    const application = process.env['DATABASE_URL'] as string;
    const owner = process.env['MIGRATION_DATABASE_URL'] || application;
    const names = down === undefined ? await migrateUp(owner, application) : await migrateDown(owner, down);
    const verb = down === undefined ? 'ran' : 'took back';
    for (const name of names) printLine(`${verb} ${name}`);
    if (names.length === 0)
      printLine(down === undefined ? 'The database is up to date.' : 'There is none to take back.');
    if (down === undefined && roleOf(owner).name === roleOf(application).name) printLine(ONE_ROLE);
  },
};

const ONE_ROLE =
  'The application connects as the owner of the books. Production refuses that: see MIGRATION_DATABASE_URL in .env.example.';

/**
 * Runs what is pending, each in a transaction of its own, and then gives the application's role its rights anew.
 *
 * @param owner The URL of the role that owns everything; the lock, the tables and the functions are its own.
 * @param application DATABASE_URL; only its role counts. The same role: nothing is granted.
 * @returns the names of what ran.
 * @throws CommandError when the tables belong to another role, or the application's role is not there.
 */
export function migrateUp(owner: string, application = owner): Promise<string[]> {
  return locked(owner, async (source) => {
    const role = roleOf(application);
    const two = role.name !== roleOf(owner).name;
    await refuseOtherOwner(asTx(source));
    if (two) {
      await ensureApplicationRole(asTx(source), role);
      await letReadNewTables(asTx(source), role.name);
    }
    const names = (await source.runMigrations()).map(({ name }) => name);
    if (two) await source.transaction((manager) => grantRights(asTx(manager), role.name));
    return names;
  });
}

/** Two owners would end in functions that may not write all of their tables. @throws CommandError */
async function refuseOtherOwner(tx: Tx): Promise<void> {
  const owner = await ownerOf(tx);
  const [row] = await tx.query<{ migrator: string }>('SELECT current_user::text AS migrator');
  if (owner === null || owner === row?.migrator) return;
  throw new CommandError(
    `The tables belong to ${owner}, and ${row?.migrator} would migrate. Put the URL of ${owner} into ` +
      'MIGRATION_DATABASE_URL; DATABASE_URL names the role of the application.',
  );
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

const asTx = (source: Pick<Source, 'query'>): Tx => ({
  query: <Row>(sql: string, parameters: readonly unknown[] = []) => source.query<Row[]>(sql, [...parameters]),
});

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
