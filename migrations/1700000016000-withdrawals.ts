import type { MigrationInterface, QueryRunner } from 'typeorm';

/** USDC on its way back from a wallet's balance to the wallet. */
export class Withdrawals1700000016000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // settling: it is off the balance and on its way · settled: mined · failed: it can never be mined, and is back.
    await runner.query(`
      CREATE TABLE withdrawals (
        id uuid PRIMARY KEY,
        customer_id text NOT NULL REFERENCES customers,
        network text NOT NULL,
        pay_to text NOT NULL,
        to_address text NOT NULL,
        atoms bigint NOT NULL CHECK (atoms > 0),
        fee_atoms bigint NOT NULL CHECK (fee_atoms >= 0),
        valid_before timestamptz NOT NULL,
        state text NOT NULL DEFAULT 'settling' CHECK (state IN ('settling', 'settled', 'failed')),
        transaction text,
        lease_until timestamptz NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz
      )`);
    await runner.query(`CREATE INDEX withdrawals_of_customer ON withdrawals (customer_id, id DESC)`);
    await runner.query(`CREATE INDEX withdrawals_open ON withdrawals (lease_until) WHERE state = 'settling'`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE withdrawals`);
  }
}
