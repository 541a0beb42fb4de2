import type { ConfigurationError } from '../config/config';
import { APPLICATION_RIGHTS } from './application-rights';
import type { Tx } from './tx';

/**
 * Whether the role of this connection could alter the books without the ledger. PostgreSQL is asked, because it also
 * counts memberships and what was granted behind our back.
 *
 * @returns what is wrong with DATABASE_URL and what to do; `undefined` when nothing is, or before the first migration.
 */
export async function bookRightsFault(tx: Tx): Promise<ConfigurationError['faults'][number] | undefined> {
  const [row] = await tx.query<{ role: string; way: string }>(QUESTION, [JSON.stringify(APPLICATION_RIGHTS)]);
  if (!row) return undefined;
  const should =
    `should name a role that cannot alter the books, but ${row.role} ${row.way}. Put the owner's URL into ` +
    'MIGRATION_DATABASE_URL, the URL of a role of its own into DATABASE_URL, and run tollbridge migrate.';
  return { variable: 'DATABASE_URL', should };
}

// A superuser passes every other test as well, so the first way is the one to tell.
const QUESTION = `
  WITH tables AS (
    SELECT oid, relname, relowner, coalesce($1::jsonb -> relname::text, '{}') AS rights FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
       AND relowner = (SELECT relowner FROM pg_class WHERE oid = to_regclass('public.partitioned_tables'))
  ), books AS (
    SELECT * FROM tables WHERE rights ->> 'insert' IS DISTINCT FROM 'all'
  ), ways AS (
    SELECT 1 AS rank, 'is a superuser' AS way FROM pg_roles WHERE rolname = current_user AND rolsuper
    UNION ALL SELECT 2, 'may make roles' FROM pg_roles WHERE rolname = current_user AND rolcreaterole
    UNION ALL SELECT 3, 'owns the tables, or belongs to the role that does'
     WHERE EXISTS (SELECT FROM tables WHERE pg_has_role(relowner, 'MEMBER'))
    UNION ALL SELECT 4, format('may write to %s by itself', relname) FROM books
     WHERE has_table_privilege(oid, 'DELETE, TRUNCATE, TRIGGER') OR EXISTS (
       SELECT FROM pg_attribute WHERE attrelid = books.oid AND attnum > 0 AND NOT attisdropped
          AND (has_column_privilege(books.oid, attnum, 'INSERT') AND NOT coalesce(rights -> 'insert' ? attname::text, false)
            OR has_column_privilege(books.oid, attnum, 'UPDATE') AND NOT coalesce(rights -> 'update' ? attname::text, false)))
    UNION ALL SELECT 5, 'may make functions in the schema public, which those of the ledger would call'
     WHERE has_schema_privilege('public', 'CREATE') AND EXISTS (SELECT FROM tables)
  )
  SELECT current_user::text AS role, way FROM ways ORDER BY rank, way LIMIT 1`;
