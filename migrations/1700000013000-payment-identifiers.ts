import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Names that payers give to their payments, so that a payment that is made again is not taken again. */
export class PaymentIdentifiers1700000013000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE payment_identifiers (
        payer text NOT NULL,
        id text NOT NULL,
        fingerprint text NOT NULL,
        call_id uuid NOT NULL,
        claim_key text,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (payer, id)
      )`);
    await runner.query(`CREATE INDEX payment_identifiers_by_age ON payment_identifiers (created_at)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE payment_identifiers`);
  }
}
