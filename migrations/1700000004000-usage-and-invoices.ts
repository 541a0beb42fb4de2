import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was used, call by call, with the invoice of each call in the same row: written in the capture's own transaction. */
export class UsageAndInvoices1700000004000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Quantities are null when nobody reported them, and 0 when a provider reported zero.
    await runner.query(`
      CREATE TABLE usage_records (
        id uuid NOT NULL,
        occurred_at timestamptz NOT NULL,
        customer_id text,
        api_key_id text,
        payer_address text,
        scheme text NOT NULL,
        endpoint text NOT NULL,
        provider text NOT NULL,
        model_requested text NOT NULL,
        model_served text,
        status text NOT NULL CHECK (status IN ('succeeded', 'interrupted', 'failed')),
        error_code text,
        stream boolean NOT NULL,
        input_tokens bigint,
        cached_input_tokens bigint,
        cache_write_tokens bigint,
        output_tokens bigint,
        reasoning_tokens bigint,
        images bigint,
        seconds bigint,
        requests bigint,
        usage_source text NOT NULL CHECK (usage_source IN ('provider', 'gateway_count', 'none')),
        price_id text,
        asset text NOT NULL,
        atoms bigint NOT NULL CHECK (atoms >= 0),
        held_atoms bigint NOT NULL CHECK (held_atoms >= 0),
        payment_id text,
        network text,
        tx_hash text,
        invoice_id text,
        lines jsonb,
        price_version integer,
        evidence jsonb,
        balance_after bigint,
        entry_id bigint,
        latency_ms integer,
        ttfb_ms integer,
        PRIMARY KEY (occurred_at, id),
        CHECK (invoice_id IS NULL OR num_nulls(lines, price_id, price_version, evidence, entry_id, balance_after) = 0)
      ) PARTITION BY RANGE (occurred_at)`);
    await runner.query(`CREATE INDEX usage_by_customer ON usage_records (customer_id, occurred_at, id)`);
    // An invoice's id names its call, so it needs no index of its own.
    await runner.query(`
      CREATE VIEW invoices AS
        SELECT invoice_id AS id, occurred_at AS issued_at, id AS call_id, customer_id, endpoint, model_requested AS model,
               status, lines, price_id, price_version, asset, atoms, scheme, evidence, entry_id, balance_after
          FROM usage_records WHERE invoice_id IS NOT NULL`);
    await runner.query(`CALL partition_by_month('usage_records', true)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM partitioned_tables WHERE name = 'usage_records'`);
    await runner.query(`DROP VIEW invoices`);
    await runner.query(`DROP TABLE usage_records`);
  }
}
