import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The block of a transaction is written down with its state: none is `mined` without one, and gas is posted apart. */
export class BlocksWithTheirState1700000028000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Their block is not known: they are looked up once more, and sent again should they be lost.
    await runner.query(
      `UPDATE chain_transactions SET state = 'signed' WHERE block_number IS NULL AND state IN ('mined', 'reverted')`,
    );
    await runner.query(`DROP INDEX chain_transactions_unposted`);
    await runner.query(
      `CREATE INDEX chain_transactions_unposted ON chain_transactions (hash)
        WHERE fee_wei IS NULL AND state IN ('mined', 'reverted')`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX chain_transactions_unposted`);
    await runner.query(
      `CREATE INDEX chain_transactions_unposted ON chain_transactions (created_at)
        WHERE block_number IS NULL AND state IN ('mined', 'reverted')`,
    );
  }
}
