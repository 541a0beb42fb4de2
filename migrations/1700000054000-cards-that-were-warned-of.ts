import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A card that its bank has warned of is not charged by auto-reload, also when the payment went back long ago. */
export class CardsThatWereWarnedOf1700000054000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Null: no card, or a warning from before that has not changed since.
    await runner.query(`ALTER TABLE fraud_warnings ADD card_fingerprint text`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE fraud_warnings DROP card_fingerprint`);
  }
}
