import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a payer's unfinished claims may cost, and every call that must happen on a chain. */
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
    // `sender` is null where any key may send the call.
    await runner.query(`
      CREATE TABLE chain_calls (
        id uuid PRIMARY KEY,
        network text NOT NULL,
        reference text NOT NULL,
        target text NOT NULL,
        data text NOT NULL,
        gas bigint NOT NULL,
        sender text,
        state text NOT NULL CHECK (state IN ('queued', 'sent', 'succeeded', 'reverted', 'dropped')),
        transaction text,
        position smallint,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query(`CREATE INDEX chain_calls_by_reference ON chain_calls (reference, id DESC)`);
    await runner.query(`CREATE INDEX chain_calls_by_transaction ON chain_calls (transaction)`);
    await runner.query(`CREATE INDEX chain_calls_open ON chain_calls (id) WHERE state IN ('queued', 'sent')`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE chain_calls`);
    await runner.query(`DROP INDEX claims_exposed`);
    await runner.query(`ALTER TABLE claims DROP payer, DROP network, DROP exposure`);
  }
}
