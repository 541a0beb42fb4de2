import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Why a channel was not claimed, and when it is tried again. */
export class ChannelClaimRetries1700000019000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`ALTER TABLE channels ADD claim_fault text, ADD claim_not_before timestamptz`);
    // Every channel without one is a candidate of every run: they are found by what they owe.
    await runner.query(`DROP INDEX channels_claimable`);
    await runner.query(
      `CREATE INDEX channels_claimable ON channels (network, (charged - total_claimed)) WHERE charged > total_claimed`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX channels_claimable`);
    await runner.query(
      `CREATE INDEX channels_claimable ON channels (network, unclaimed_since) WHERE charged > total_claimed`,
    );
    await runner.query(`ALTER TABLE channels DROP claim_fault, DROP claim_not_before`);
  }
}
