import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Claims of a transaction's transfers, under whichever log index it had when they were made. */
export class ClaimsByTransfer1700000041100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      `CREATE INDEX claims_by_transfer ON claims ((payment->>'transaction')) WHERE scheme = 'transfer-proof'`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX claims_by_transfer`);
  }
}
