import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Monthly partitions for the hot tables: one function makes them, a job calls it ahead of time. */
export class Partitions1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE partitioned_tables (name text PRIMARY KEY, immutable boolean NOT NULL)`);
    await runner.query(`
      CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        RAISE EXCEPTION '% is immutable: correct it with a new row that names the old one', TG_TABLE_NAME
          USING ERRCODE = 'integrity_constraint_violation';
      END $$`);
    // A new partition locks its parent for a moment. Behind a long export it would wait, and every flush behind it: it
    // gives up soon instead, and its job comes again, months ahead.
    // Row triggers of a partitioned table reach its partitions by themselves; TRUNCATE triggers do not.
    await runner.query(`
      CREATE FUNCTION ensure_partitions(months_ahead integer) RETURNS integer LANGUAGE plpgsql
        SET lock_timeout = '500ms' AS $$
      DECLARE
        parent record;
        first_day date;
        partition text;
        made integer := 0;
      BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('ensure_partitions'));
        FOR parent IN SELECT name, immutable FROM partitioned_tables ORDER BY name LOOP
          FOR ahead IN -1..months_ahead LOOP
            first_day := (date_trunc('month', now() AT TIME ZONE 'UTC') + make_interval(months => ahead))::date;
            partition := parent.name || to_char(first_day, '_YYYY_MM');
            CONTINUE WHEN to_regclass(partition) IS NOT NULL;
            EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', partition, parent.name,
              first_day::timestamp AT TIME ZONE 'UTC', (first_day + interval '1 month') AT TIME ZONE 'UTC');
            IF parent.immutable THEN
              EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
                partition || '_no_truncate', partition);
            END IF;
            made := made + 1;
          END LOOP;
        END LOOP;
        RETURN made;
      END $$`);
    await runner.query(`
      CREATE PROCEDURE refuse_changes_of(name text) LANGUAGE plpgsql AS $$
      BEGIN
        EXECUTE format('CREATE TRIGGER %I BEFORE UPDATE OR DELETE ON %I FOR EACH ROW EXECUTE FUNCTION refuse_change()',
          name || '_no_change', name);
        EXECUTE format('CREATE TRIGGER %I BEFORE TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()',
          name || '_no_truncate', name);
      END $$`);
    await runner.query(`
      CREATE PROCEDURE partition_by_month(name text, immutable boolean) LANGUAGE plpgsql AS $$
      BEGIN
        INSERT INTO partitioned_tables VALUES (name, immutable);
        IF immutable THEN
          CALL refuse_changes_of(name);
        END IF;
        PERFORM ensure_partitions(2);
      END $$`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP PROCEDURE partition_by_month(text, boolean)`);
    await runner.query(`DROP PROCEDURE refuse_changes_of(text)`);
    await runner.query(`DROP FUNCTION ensure_partitions(integer)`);
    await runner.query(`DROP FUNCTION refuse_change()`);
    await runner.query(`DROP TABLE partitioned_tables`);
  }
}
