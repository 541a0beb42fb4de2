import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a transaction cost, and transactions that replace a stuck one under the same nonce. */
export class ChainTransactions1700000012500 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE chain_transactions DROP CONSTRAINT chain_transactions_network_signer_nonce_key`);
    await runner.query(`CREATE INDEX chain_transactions_by_nonce ON chain_transactions (network, signer, nonce)`);
    // In wei: set once its cost is on the books.
    await runner.query(`ALTER TABLE chain_transactions ADD fee_wei numeric`);
    await runner.query(
      `CREATE INDEX chain_transactions_unposted ON chain_transactions (created_at)
        WHERE fee_wei IS NULL AND state IN ('mined', 'reverted')`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX chain_transactions_unposted`);
    await runner.query(`ALTER TABLE chain_transactions DROP fee_wei`);
    await runner.query(`DROP INDEX chain_transactions_by_nonce`);
    await runner.query(
      `ALTER TABLE chain_transactions
         ADD CONSTRAINT chain_transactions_network_signer_nonce_key UNIQUE (network, signer, nonce)`,
    );
  }
}
