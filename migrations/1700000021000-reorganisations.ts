import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Until when a transaction is wanted, the block that it is in, and transfers that a reorganisation took off the chain. */
export class Reorganisations1700000021000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // lost_at: a reorganisation took it after it was final; set until the books know.
    await runner.query(`
      ALTER TABLE chain_transactions
        ADD valid_until timestamptz,
        ADD block_number bigint,
        ADD block_hash text,
        ADD lost_at timestamptz`);
    // Their blocks are older than what is watched.
    await runner.query(`UPDATE chain_transactions SET block_number = 0 WHERE fee_wei IS NOT NULL`);
    await runner.query(`DROP INDEX chain_transactions_unposted`);
    await runner.query(
      `CREATE INDEX chain_transactions_unposted ON chain_transactions (created_at)
        WHERE block_number IS NULL AND state IN ('mined', 'reverted')`,
    );
    await runner.query(
      `CREATE INDEX chain_transactions_by_block ON chain_transactions (network, block_number)
        WHERE block_hash IS NOT NULL`,
    );
    await runner.query(
      `CREATE INDEX chain_transactions_lost ON chain_transactions (lost_at) WHERE lost_at IS NOT NULL`,
    );
    await runner.query(`
      CREATE TABLE reversed_transfers (
        id uuid PRIMARY KEY,
        payment_id text NOT NULL,
        scheme text NOT NULL,
        entry_key text NOT NULL UNIQUE,
        transaction text NOT NULL,
        customer_id text NOT NULL,
        network text NOT NULL,
        pay_to text NOT NULL,
        atoms bigint NOT NULL,
        state text NOT NULL CHECK (state IN ('reversed', 'settled', 'lost')),
        created_at timestamptz NOT NULL DEFAULT now(),
        next_try_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query(
      `CREATE INDEX reversed_transfers_open ON reversed_transfers (scheme, next_try_at) WHERE state = 'reversed'`,
    );
    await runner.query(`CREATE INDEX reversed_transfers_by_payment ON reversed_transfers (payment_id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE reversed_transfers`);
    await runner.query(`DROP INDEX chain_transactions_lost`);
    await runner.query(`DROP INDEX chain_transactions_by_block`);
    await runner.query(`DROP INDEX chain_transactions_unposted`);
    await runner.query(
      `ALTER TABLE chain_transactions DROP valid_until, DROP block_number, DROP block_hash, DROP lost_at`,
    );
    await runner.query(
      `CREATE INDEX chain_transactions_unposted ON chain_transactions (created_at)
        WHERE fee_wei IS NULL AND state IN ('mined', 'reverted')`,
    );
  }
}
