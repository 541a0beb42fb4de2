import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was used, call by call, and the invoice of each call: both written in the capture's own transaction. */
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
        entry_id bigint,
        latency_ms integer,
        ttfb_ms integer,
        PRIMARY KEY (id, occurred_at)
      ) PARTITION BY RANGE (occurred_at)`);
    await runner.query(`CREATE INDEX usage_by_customer ON usage_records (customer_id, occurred_at, id)`);
    await runner.query(`CREATE INDEX usage_by_time ON usage_records (occurred_at, id)`);
    await runner.query(`
      CREATE TABLE invoices (
        id text NOT NULL,
        issued_at timestamptz NOT NULL,
        call_id uuid NOT NULL,
        customer_id text NOT NULL,
        endpoint text NOT NULL,
        model text NOT NULL,
        status text NOT NULL,
        lines jsonb NOT NULL,
        price_id text NOT NULL,
        price_version integer NOT NULL,
        asset text NOT NULL,
        atoms bigint NOT NULL CHECK (atoms >= 0),
        scheme text NOT NULL,
        evidence jsonb NOT NULL,
        entry_id bigint NOT NULL,
        balance_after bigint NOT NULL,
        PRIMARY KEY (id, issued_at)
      ) PARTITION BY RANGE (issued_at)`);
    await runner.query(`CREATE INDEX invoices_by_customer ON invoices (customer_id, issued_at DESC, id DESC)`);
    await runner.query(`CALL partition_by_month('usage_records', true)`);
    await runner.query(`CALL partition_by_month('invoices', true)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DELETE FROM partitioned_tables WHERE name IN ('invoices', 'usage_records')`);
    await runner.query(`DROP TABLE invoices`);
    await runner.query(`DROP TABLE usage_records`);
  }
}
