import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a payer's unfinished claims may cost, and the calls that each transaction of ours carries. */
export class Settlements1700000012000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Exposure in micro-USDC: what is lost if the payer does not pay. A claim that is finished does not count.
    await runner.query(`
      ALTER TABLE claims
        ADD payer text,
        ADD network text,
        ADD exposure bigint NOT NULL DEFAULT 0`);
    await runner.query(
      `CREATE INDEX claims_exposed ON claims (network, payer)
        WHERE state IN ('working', 'settling', 'in_doubt') AND exposure > 0`,
    );
    // A replacement carries the same calls, so a call may be in several transactions, of which one can be mined.
    await runner.query(`
      CREATE TABLE chain_calls (
        transaction text NOT NULL REFERENCES chain_transactions (hash),
        position smallint NOT NULL,
        reference text NOT NULL,
        PRIMARY KEY (transaction, position)
      )`);
    await runner.query(`CREATE INDEX chain_calls_by_reference ON chain_calls (reference)`);
    await runner.query(`
      INSERT INTO chain_calls (transaction, position, reference) SELECT hash, 0, reference FROM chain_transactions`);
    await runner.query(`DROP INDEX chain_transactions_by_reference`);
    await runner.query(`ALTER TABLE chain_transactions DROP reference`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE chain_transactions ADD reference text`);
    await runner.query(`
      UPDATE chain_transactions SET reference = call.reference
        FROM chain_calls call WHERE call.transaction = hash AND call.position = 0`);
    await runner.query(`ALTER TABLE chain_transactions ALTER reference SET NOT NULL`);
    await runner.query(`CREATE INDEX chain_transactions_by_reference ON chain_transactions (reference)`);
    await runner.query(`DROP TABLE chain_calls`);
    await runner.query(`DROP INDEX claims_exposed`);
    await runner.query(`ALTER TABLE claims DROP payer, DROP network, DROP exposure`);
  }
}
