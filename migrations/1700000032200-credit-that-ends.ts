import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Who is told that credit ends soon is found by when it does. */
export class CreditThatEnds1700000032200 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE INDEX credit_grants_ending ON credit_grants (expires_at) WHERE remaining_atoms > 0`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX credit_grants_ending`);
  }
}
