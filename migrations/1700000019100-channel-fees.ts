import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a transaction cost in USD, at the rate of its day, and the claims that a channel was in. */
export class ChannelFees1700000019100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // In nano-USD, beside fee_wei.
    await runner.query(`ALTER TABLE chain_transactions ADD fee_value numeric`);
    await runner.query(`CREATE INDEX channel_claims_by_channel ON channel_claims USING gin (claims jsonb_path_ops)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX channel_claims_by_channel`);
    await runner.query(`ALTER TABLE chain_transactions DROP fee_value`);
  }
}
