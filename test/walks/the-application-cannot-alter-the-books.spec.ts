import { Client } from 'pg';
import { migrateUp } from '../../src/cli/migrate';
import { usd } from '../../src/common/money';
import type { Tx } from '../../src/database/tx';
import { topUpReceived } from '../../src/ledger/entries';
import { APPLY_SQL, FLUSH_SQL } from '../../src/ledger/flush.client';
import { parametersOf } from '../../src/ledger/ledger-operation';
import { LedgerService } from '../../src/ledger/ledger.service';
import { LedgerVerifyService } from '../../src/ledger/ledger-verify.service';
import { booksOf, invoicesOf, json } from '../support/calls';
import { asOwner } from '../support/owner';
import { chat, customerWith, startWorld, type World } from '../support/world';

const CREDIT = 1_000_000_000n;
/** What the application may do to accounts: make empty ones, let a customer spend again, say when credit ends and what is watched. */
const OPEN_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  ledger_accounts: ['frozen', 'next_expiry', 'watch_below', 'credit_limit'],
};
/** The place of `line_atoms` among the parameters of `ledger_flush`. */
const LINE_ATOMS = 20;

/**
 * Whoever takes over the application has its database role. Everything the ledger promises must hold against it:
 * PostgreSQL says no, whatever the statement is.
 */
describe('the application', () => {
  let world: World;
  let application: Client;
  let owner: Client;

  beforeAll(async () => {
    world = await startWorld();
    application = new Client({ connectionString: world.databaseUrl });
    owner = new Client({ connectionString: world.ownerUrl });
    await Promise.all([application.connect(), owner.connect()]);
  });
  afterAll(async () => {
    await application?.end();
    await owner?.end();
    await world?.stop();
  });

  /** The books, as the catalogue tells: what refuses changes, what is partitioned by month, accounts and holds. */
  async function books(): Promise<string[]> {
    const { rows } = await owner.query<{ name: string }>(`
      SELECT DISTINCT relname::text AS name FROM pg_class
       WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname NOT IN ('prices', 'grant_movements')
         AND (relname ~ '^(ledger|journal)_|^holds$' OR relname IN (SELECT name FROM partitioned_tables)
           OR EXISTS (SELECT FROM pg_inherits WHERE inhrelid = pg_class.oid)
           OR EXISTS (SELECT FROM pg_trigger JOIN pg_proc ON pg_proc.oid = tgfoid
                       WHERE tgrelid = pg_class.oid AND proname = 'refuse_change'))
       ORDER BY name`);
    return rows.map(({ name }) => name);
  }

  async function columnsOf(table: string): Promise<string[]> {
    const { rows } = await owner.query<{ name: string }>(
      `SELECT attname::text AS name FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped`,
      [table],
    );
    return rows.map(({ name }) => name);
  }

  /** SQLSTATE of the refusal; `done` when there was none, and then nothing is left of it. */
  async function tried(sql: string): Promise<string> {
    await application.query('BEGIN');
    try {
      await application.query(sql);
      return 'done';
    } catch (error) {
      return String((error as { code?: unknown }).code);
    } finally {
      await application.query('ROLLBACK');
    }
  }

  /** Every statement with what came of it, so that a failure names the statement. */
  async function expectRefused(statements: readonly string[]): Promise<void> {
    const outcomes: [string, string][] = [];
    for (const statement of statements) outcomes.push([statement, await tried(statement)]);
    expect(outcomes).toEqual(statements.map((statement) => [statement, '42501']));
  }

  async function waysToAlter(table: string): Promise<string[]> {
    const columns = (await columnsOf(table)).filter((column) => !OPEN_COLUMNS[table]?.includes(column));
    return [
      `INSERT INTO ${table} OVERRIDING SYSTEM VALUE SELECT * FROM ${table} LIMIT 0`,
      ...columns.map((column) => `UPDATE ${table} SET ${column} = DEFAULT WHERE false`),
      `DELETE FROM ${table} WHERE false`,
      `TRUNCATE ${table}`,
      `COPY ${table} FROM PROGRAM 'true'`,
      `MERGE INTO ${table} USING (SELECT 1) AS one ON false WHEN MATCHED THEN DELETE`,
      `LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`,
      `ALTER TABLE ${table} DISABLE TRIGGER ALL`,
      `ALTER TABLE ${table} ADD COLUMN mine text`,
      `ALTER TABLE ${table} OWNER TO CURRENT_USER`,
      `CREATE RULE nothing AS ON INSERT TO ${table} DO INSTEAD NOTHING`,
      `CREATE TRIGGER mine BEFORE INSERT ON ${table} FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
      `DROP TABLE ${table}`,
    ];
  }

  it('finds the books', async () => {
    expect(await books()).toEqual(
      expect.arrayContaining(['holds', 'journal_keys', 'ledger_accounts', 'ledger_chain', 'postings', 'usage_records']),
    );
    expect((await books()).filter((name) => /^usage_records_\d{4}_\d\d$/.test(name)).length).toBeGreaterThan(3);
  });

  it('alters none of them, and no partition, by any statement', async () => {
    for (const table of await books()) await expectRefused(await waysToAlter(table));
  });

  it('alters none of them through a view', async () => {
    for (const view of ['invoices', 'journal_entries']) {
      await expectRefused([
        `INSERT INTO ${view} SELECT * FROM ${view} LIMIT 0`,
        ...(await columnsOf(view)).map((column) => `UPDATE ${view} SET ${column} = DEFAULT WHERE false`),
        `DELETE FROM ${view} WHERE false`,
      ]);
    }
  });

  it('opens an account with nothing in it, and no other', async () => {
    expect(await tried(`INSERT INTO ledger_accounts (code, asset, guarded) VALUES ('x', 'USD', true)`)).toBe('done');
    expect(await tried('UPDATE ledger_accounts SET frozen = false')).toBe('done');
    expect(await tried('SELECT FROM ledger_accounts FOR NO KEY UPDATE')).toBe('done');
    const columns = 'code, asset, guarded, credits_posted';
    await expectRefused([
      `INSERT INTO ledger_accounts (${columns}) VALUES ('x', 'USD', true, 5)`,
      `INSERT INTO ledger_accounts (code, asset, guarded) VALUES ('x', 'USD', true)
         ON CONFLICT (code, asset) DO UPDATE SET credits_posted = 5`,
    ]);
  });

  it('switches no guard off, and takes no other role', async () => {
    const { rows } = await owner.query<{ name: string; role: string }>(
      `SELECT oid::regprocedure::text AS name, current_user AS role FROM pg_proc
        WHERE prosecdef AND pronamespace = 'public'::regnamespace`,
    );
    expect(rows.map(({ name }) => name.split('(')[0])).toEqual(
      expect.arrayContaining(['ledger_apply', 'ledger_flush', 'ensure_partitions', 'record_usage']),
    );
    await expectRefused([
      'SET session_replication_role = replica',
      `SET ROLE ${rows[0]?.role}`,
      `ALTER ROLE CURRENT_USER SUPERUSER`,
      `ALTER DEFAULT PRIVILEGES FOR ROLE ${rows[0]?.role} GRANT ALL ON TABLES TO CURRENT_USER`,
      `CREATE OR REPLACE FUNCTION ledger_flush(ops jsonb, account_ids bigint[]) RETURNS jsonb LANGUAGE sql RETURN ops`,
      `CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'`,
      `CREATE FUNCTION nextval(text) RETURNS bigint LANGUAGE sql RETURN 1`,
      `CREATE TABLE mine (id integer)`,
      ...rows.flatMap(({ name }) => [
        `ALTER FUNCTION ${name} RESET ALL`,
        `ALTER FUNCTION ${name} SECURITY INVOKER`,
        `DROP FUNCTION ${name}`,
      ]),
      'DROP FUNCTION refuse_change() CASCADE',
      'DROP SCHEMA public CASCADE',
      `INSERT INTO partitioned_tables VALUES ('claims', false)`,
      'UPDATE partitioned_tables SET immutable = false',
      `CALL partition_by_month('claims', false)`,
      'DELETE FROM migrations',
      `UPDATE prices SET rates = '{}'`,
      'DELETE FROM prices',
      'UPDATE grant_movements SET atoms = 1',
      'DELETE FROM grant_movements',
      'UPDATE budget_counters SET spent_atoms = 0',
      'DELETE FROM budget_counters',
    ]);
  });

  it('moves no balance through the functions without the postings and holds that say so', async () => {
    const { customerId } = await customerWith(world, CREDIT);
    const { rows } = await owner.query<{ id: bigint }>('SELECT id FROM ledger_accounts WHERE customer_id = $1', [
      customerId,
    ]);
    const [account] = rows.map(({ id }) => id.toString());
    const forged = (credits: bigint, debits: bigint, held: bigint) => [
      `{${account}}`,
      `{${credits}}`,
      `{${debits}}`,
      `{${held}}`,
      '{0}',
      '{f}',
      '{f}',
      ...Array.from({ length: 31 }, () => '{}'),
      null,
      ...Array.from({ length: 4 }, () => '{}'),
    ];
    for (const [credits, debits, held] of [
      [5n, 0n, 0n],
      [0n, 5n, 0n],
      [0n, 0n, 5n],
      [0n, 0n, -1n],
    ] as const) {
      const outcome = application.query(APPLY_SQL, forged(credits, debits, held));
      await expect(outcome).rejects.toMatchObject({ code: '22023' });
    }
    const movement = { debit: account ?? '', credit: account ?? '', overflow: account ?? '', asset: 'USD', atoms: 1n };
    const entry = { key: 'forged', hash: '0'.repeat(32), kind: 'forged', movements: [movement] };
    const parameters = parametersOf([{ op: 'post', customerId, entry }]);
    const negative = parameters.map((value, index) => (index === LINE_ATOMS ? '{-1}' : value));
    await expect(application.query(FLUSH_SQL, negative)).rejects.toMatchObject({ code: '22023' });
    expect((await world.app.get(LedgerVerifyService).verify()).checks.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('books a paid call through the functions that are left to it', async () => {
    const { customerId, key } = await customerWith(world, CREDIT);
    const answer = await chat(world.url, key);
    expect(answer.status).toBe(200);
    const [invoice] = await invoicesOf(world, customerId);
    expect((await json(answer)).usage.cost).not.toBe('0');
    expect((await booksOf(world, customerId)).posted.atoms).toBe(CREDIT - invoice.atoms);
    expect((await world.app.get(LedgerVerifyService).verify()).checks.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('is not taken in by tables of its own that are named as the books', async () => {
    const { customerId } = await customerWith(world, CREDIT);
    const { rows: before } = await owner.query('SELECT count(*) FROM journal_keys');
    await application.query('BEGIN');
    for (const table of ['journal_keys', 'journal_entries', 'postings', 'ledger_accounts', 'holds', 'usage_records']) {
      await application.query(`CREATE TEMPORARY TABLE ${table} (LIKE public.${table})`);
    }
    const tx: Tx = {
      query: async <Row>(sql: string, parameters: readonly unknown[] = []) =>
        (await application.query(sql, [...parameters])).rows as Row[],
    };
    const entry = topUpReceived({
      topUpId: 'top_1',
      customerId,
      gross: usd(5n),
      fee: usd(0n),
      paymentIntentId: 'pi_1',
    });
    expect(await world.app.get(LedgerService).postIn(tx, entry)).toMatchObject({ verdict: 'posted' });
    expect((await application.query('SELECT FROM pg_temp.journal_keys')).rowCount).toBe(0);
    expect((await application.query('SELECT FROM public.journal_keys')).rowCount).toBe(Number(before[0].count) + 1);
    await application.query('ROLLBACK');
  });

  it('records usage by itself only of a call that moved nothing', async () => {
    const record = (fields: object) =>
      tried(
        `SELECT record_usage('${JSON.stringify({
          ...{ id: '0190f5fe-0000-7000-8000-000000000001', occurred_at: new Date(), scheme: 'exact', endpoint: '/v1' },
          ...{ provider: 'upstream', model_requested: 'm', status: 'failed', stream: false, usage_source: 'none' },
          ...{ asset: 'USDC', atoms: '0', held_atoms: '0', ...fields },
        })}')`,
      );
    expect(await record({})).toBe('done');
    for (const fields of [{ atoms: '1' }, { entry_id: '1' }, { invoice_id: 'inv_1' }]) {
      expect(await record(fields)).toBe('22023');
    }
  });

  it('makes the partitions of further months, and may alter those as little', async () => {
    const before = await books();
    await application.query('SELECT ensure_partitions(5)');
    const made = (await books()).filter((name) => !before.includes(name));
    expect(made.length).toBeGreaterThanOrEqual(9);
    for (const table of made) {
      expect(await tried(`SELECT FROM ${table}`)).toBe('done');
      await expectRefused(await waysToAlter(table));
    }
  });

  it('has the same rights after another migration, whatever it was given in between', async () => {
    const rights = async () =>
      (
        await owner.query(
          `SELECT relname, relacl::text, (SELECT array_agg(attacl::text) FROM pg_attribute WHERE attrelid = c.oid) AS columns
             FROM pg_class c WHERE relnamespace = 'public'::regnamespace ORDER BY relname`,
        )
      ).rows;
    await migrateUp(world.ownerUrl, world.databaseUrl);
    const before = await rights();
    const role = new URL(world.databaseUrl).username;
    await asOwner(
      world,
      `GRANT ALL ON ALL TABLES IN SCHEMA public TO ${role}`,
      'GRANT INSERT, UPDATE ON postings TO PUBLIC',
      `GRANT UPDATE (credits_posted) ON ledger_accounts TO ${role}`,
      `GRANT CREATE ON SCHEMA public TO ${role}`,
    );
    expect(await tried('UPDATE ledger_accounts SET credits_posted = 1 WHERE false')).toBe('done');
    await migrateUp(world.ownerUrl, world.databaseUrl);
    expect(await rights()).toEqual(before);
    await expectRefused([
      'UPDATE ledger_accounts SET credits_posted = 1 WHERE false',
      'UPDATE holds SET atoms = 1 WHERE false',
      'CREATE TABLE mine (id integer)',
    ]);
  });

  it('meets a second net where somebody is more than it is', async () => {
    const { rows } = await owner.query<{ name: string }>(
      `SELECT DISTINCT tgrelid::regclass::text AS name FROM pg_trigger
        WHERE tgfoid = 'refuse_change'::regproc AND tgrelid <> 'prices'::regclass ORDER BY name`,
    );
    expect(rows.length).toBeGreaterThan(20);
    for (const { name: table } of rows) {
      for (const statement of [`TRUNCATE ${table}`, `DELETE FROM ${table}`]) {
        const { rowCount } = await owner.query(`SELECT FROM ${table} LIMIT 1`);
        const refused = owner.query(statement).then(
          () => 'done',
          (error: { code: string }) => error.code,
        );
        // A row trigger sees rows only.
        expect([statement, await refused]).toEqual([statement, rowCount || /^T/.test(statement) ? '23000' : 'done']);
      }
    }
  });
});
