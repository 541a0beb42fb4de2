import type { MigrationInterface, QueryRunner } from 'typeorm';

/** A code may give credit that pays for some models only; null for all. */
export class PromoCodesForModels1700000032300 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE promo_codes ADD models text[]`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE promo_codes DROP models`);
  }
}
