import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { migrateDown, migrateUp } from '../../src/cli/migrate';
import { type LocalPostgres, startTemporaryPostgres } from '../../src/local/postgres';

const files = readdirSync(join(__dirname, '..', '..', 'migrations')).filter((name) => /^\d+-.*\.ts$/.test(name));

let postgres: LocalPostgres;
beforeAll(async () => {
  postgres = await startTemporaryPostgres();
});
afterAll(() => postgres.stop());

async function query(sql: string): Promise<string[]> {
  const client = new Client({ connectionString: postgres.ownerUrl });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.map((row: unknown[]) => row.join(' '));
  } finally {
    await client.end();
  }
}

/** Whatever a migration can make, by name and definition. */
const schema = () =>
  query(`
    SELECT * FROM (
      SELECT 'relation', relkind::text, relname::text, coalesce(pg_get_expr(relpartbound, oid), '') FROM pg_class
       WHERE relnamespace = 'public'::regnamespace
      UNION ALL SELECT 'column', attrelid::regclass::text, attname::text, format_type(atttypid, atttypmod) || ' ' || attnotnull
        FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
       WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
      UNION ALL SELECT 'constraint', conrelid::regclass::text, conname::text, pg_get_constraintdef(oid) FROM pg_constraint
       WHERE connamespace = 'public'::regnamespace
      UNION ALL SELECT 'index', tablename::text, indexname::text, indexdef FROM pg_indexes WHERE schemaname = 'public'
      UNION ALL SELECT 'function', proname::text, '', md5(pg_get_functiondef(oid)) FROM pg_proc
       WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
      UNION ALL SELECT 'trigger', tgrelid::regclass::text, tgname::text, pg_get_triggerdef(oid) FROM pg_trigger
       WHERE NOT tgisinternal
      UNION ALL SELECT 'type', typname::text, typtype::text, '' FROM pg_type
       WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd')
    ) AS objects ORDER BY 1, 2, 3, 4`);

const OF_TYPEORM = /migrations|\bPK_[0-9a-f]+\b/;

describe('the migrations', () => {
  it('run up, all the way down to nothing, and up to the same schema again', async () => {
    expect(await migrateUp(postgres.ownerUrl, postgres.url)).toHaveLength(files.length);
    const built = await schema();
    expect(built.length).toBeGreaterThan(100);
    expect(await migrateUp(postgres.ownerUrl, postgres.url)).toEqual([]);

    expect(await migrateDown(postgres.ownerUrl, 1)).toHaveLength(1);
    expect(await migrateDown(postgres.ownerUrl, 1000)).toHaveLength(files.length - 1);
    expect((await schema()).filter((line) => !OF_TYPEORM.test(line))).toEqual([]);
    expect(await migrateDown(postgres.ownerUrl, 1)).toEqual([]);

    expect(await migrateUp(postgres.ownerUrl, postgres.url)).toHaveLength(files.length);
    expect(await schema()).toEqual(built);
  });

  it('say why they do not go back while a customer owes within a credit limit', async () => {
    await query(
      `INSERT INTO ledger_accounts (code, asset, customer_id, guarded, credit_limit, debits_posted)
       VALUES ('customer:c:credits', 'USD', 'c', true, 5, 3)`,
    );
    await expect(migrateDown(postgres.ownerUrl, 1000)).rejects.toThrow(/customer:c:credits is below zero/);
    await query('DELETE FROM ledger_accounts');
    await migrateDown(postgres.ownerUrl, 1000);
    expect(await migrateUp(postgres.ownerUrl, postgres.url)).toHaveLength(files.length);
  });

  it('run once when replicas start together', async () => {
    await migrateDown(postgres.ownerUrl, 1000);
    const runs = await Promise.all([1, 2, 3].map(() => migrateUp(postgres.ownerUrl, postgres.url)));
    expect(runs.map((names) => names.length).toSorted((a, b) => a - b)).toEqual([0, 0, files.length]);
  });
});
