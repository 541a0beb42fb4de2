import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What the application reaches the books through, now that its own role may only read them. The rights themselves
 * are not here: role names differ from place to place, so every migrate grants them anew
 * (`src/database/application-rights.ts`).
 *
 * `pg_temp` is named last in each search_path: left out it would be searched first, and a temporary table of the
 * caller could stand in for a table of the books. `pg_catalog` is left out: it is searched first anyway, and naming it
 * first would make it the place where partitions are created.
 */
export class ApplicationRole1700000010000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const name of WRITERS) {
      await runner.query(`ALTER FUNCTION ${name} SECURITY DEFINER SET search_path = public, pg_temp`);
    }
    // Of a call that moved nothing: whatever moves is written by the flush, with its entry.
    await runner.query(`
      CREATE FUNCTION record_usage(record jsonb) RETURNS void LANGUAGE plpgsql
        SECURITY DEFINER SET search_path = public, pg_temp AS $$
      DECLARE
        usage usage_records := jsonb_populate_record(null::usage_records, record);
      BEGIN
        IF usage.atoms <> 0 OR usage.entry_id IS NOT NULL OR usage.invoice_id IS NOT NULL THEN
          RAISE EXCEPTION 'usage that was charged is written with its entry, by the ledger'
            USING ERRCODE = 'invalid_parameter_value';
        END IF;
        INSERT INTO usage_records SELECT usage.* ON CONFLICT DO NOTHING;
      END $$`);
    // PUBLIC may call whatever is made, by default: with the owner's rights everybody here could write the books.
    await runner.query(`REVOKE ALL ON FUNCTION ${[...WRITERS, 'record_usage'].join(', ')} FROM PUBLIC`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP FUNCTION record_usage(jsonb)`);
    for (const name of WRITERS) {
      await runner.query(`ALTER FUNCTION ${name} SECURITY INVOKER RESET search_path`);
      await runner.query(`GRANT EXECUTE ON FUNCTION ${name} TO PUBLIC`);
    }
  }
}

const WRITERS = ['ledger_flush', 'ensure_partitions'];
