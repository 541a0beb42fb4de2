import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Claims (one payment, one piece of work) and what was sent to a chain. */
export class Payments1700000006000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE claims (
        key text PRIMARY KEY,
        scheme text NOT NULL,
        state text NOT NULL,
        fingerprint text NOT NULL,
        call_id uuid NOT NULL,
        customer_id text,
        payment jsonb,
        capture jsonb,
        answer_status integer,
        answer_headers jsonb,
        answer_body bytea,
        transaction text,
        reason text,
        valid_before timestamptz,
        lease_until timestamptz NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query(
      `CREATE INDEX claims_unfinished ON claims (lease_until) WHERE state IN ('working', 'settling', 'in_doubt')`,
    );
    await runner.query(`CREATE INDEX claims_by_age ON claims (created_at)`);
    await runner.query(`
      CREATE TABLE chain_signers (
        network text NOT NULL,
        address text NOT NULL,
        next_nonce bigint NOT NULL,
        PRIMARY KEY (network, address)
      )`);
    await runner.query(`
      CREATE TABLE chain_transactions (
        hash text PRIMARY KEY,
        network text NOT NULL,
        signer text NOT NULL,
        nonce bigint NOT NULL,
        raw text NOT NULL,
        reference text NOT NULL,
        state text NOT NULL CHECK (state IN ('signed', 'mined', 'reverted', 'dropped')),
        created_at timestamptz NOT NULL DEFAULT now(),
        UNIQUE (network, signer, nonce)
      )`);
    await runner.query(`CREATE INDEX chain_transactions_by_reference ON chain_transactions (reference)`);
    await runner.query(
      `CREATE INDEX chain_transactions_open ON chain_transactions (created_at) WHERE state = 'signed'`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE chain_transactions`);
    await runner.query(`DROP TABLE chain_signers`);
    await runner.query(`DROP TABLE claims`);
  }
}
