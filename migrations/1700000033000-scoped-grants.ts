import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Credit that pays for some models only: which calls have to ask for it. */
export class ScopedGrants1700000033000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // What stands in `credit_grants` with models and something left: the look-up of a key reads it beside the key, at
    // no further cost. It may name a grant that is used up meanwhile. Null for none.
    await runner.query(`ALTER TABLE customers ADD scoped_grants jsonb`);
    await runner.query(`CREATE INDEX customers_with_scoped_grants ON customers (id) WHERE scoped_grants IS NOT NULL`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE customers DROP scoped_grants`);
  }
}
