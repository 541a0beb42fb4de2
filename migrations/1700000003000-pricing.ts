import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Models and their versioned prices. A price is never changed: a new version takes effect. */
export class Pricing1700000003000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE models (
        id text PRIMARY KEY,
        endpoints text[] NOT NULL,
        encoding text NOT NULL DEFAULT 'o200k_base',
        max_output_tokens integer NOT NULL DEFAULT 0 CHECK (max_output_tokens >= 0),
        usage_convention text NOT NULL DEFAULT 'openai' CHECK (usage_convention IN ('openai', 'anthropic')),
        upstream_url text,
        upstream_key_env text,
        upstream_model text,
        provider text NOT NULL DEFAULT 'upstream',
        created_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query(`
      CREATE TABLE prices (
        id text PRIMARY KEY,
        model_id text NOT NULL REFERENCES models,
        version integer NOT NULL CHECK (version > 0),
        effective_from timestamptz NOT NULL,
        rates jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (model_id, version),
        UNIQUE (model_id, effective_from)
      )`);
    await runner.query(`
      CREATE TRIGGER prices_no_change BEFORE UPDATE OR DELETE ON prices
        FOR EACH ROW EXECUTE FUNCTION refuse_change()`);
    await runner.query(`
      CREATE FUNCTION announce_price_change() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        PERFORM pg_notify('prices', '');
        RETURN NULL;
      END $$`);
    for (const table of ['models', 'prices']) {
      await runner.query(`
        CREATE TRIGGER ${table}_announce AFTER INSERT OR UPDATE OR DELETE ON ${table}
          FOR EACH STATEMENT EXECUTE FUNCTION announce_price_change()`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE prices`);
    await runner.query(`DROP TABLE models`);
    await runner.query(`DROP FUNCTION announce_price_change()`);
  }
}
