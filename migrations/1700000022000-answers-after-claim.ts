import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Where a verified claim is enough for an answer, and what that may cost: promised claims count until they are kept. */
export class AnswersAfterClaim1700000022000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE models ADD answers_after_claim text[] NOT NULL DEFAULT '{}'`);
    await this.index(runner, `'working', 'settling', 'in_doubt', 'promised'`);
    // Who owes something is asked at each claim; the column changes too seldom to cost the hot updates anything.
    await runner.query(`CREATE INDEX ledger_accounts_frozen ON ledger_accounts (asset, customer_id) WHERE frozen`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX ledger_accounts_frozen`);
    await this.index(runner, `'working', 'settling', 'in_doubt'`);
    await runner.query(`ALTER TABLE models DROP answers_after_claim`);
  }

  private async index(runner: QueryRunner, unfinished: string): Promise<void> {
    await runner.query(`DROP INDEX claims_exposed`);
    await runner.query(`DROP INDEX claims_unfinished`);
    await runner.query(
      `CREATE INDEX claims_exposed ON claims (network, payer) INCLUDE (exposure)
        WHERE state IN (${unfinished}) AND exposure > 0`,
    );
    await runner.query(`CREATE INDEX claims_unfinished ON claims (lease_until) WHERE state IN (${unfinished})`);
  }
}
