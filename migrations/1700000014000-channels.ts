import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Payment channels (x402 `batch-settlement` on EVM) and what was claimed of them. Amounts are atoms of the token. */
export class Channels1700000014000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE channels (
        channel_id text PRIMARY KEY,
        network text NOT NULL,
        customer_id text NOT NULL,
        -- the ChannelConfig whose typed hash is the id
        config jsonb NOT NULL,
        -- cumulative, like everything here that is signed: what was delivered, and the voucher that covers it
        charged bigint NOT NULL DEFAULT 0,
        signed_max bigint NOT NULL DEFAULT 0,
        signature text,
        -- the chain, as it was last seen
        balance bigint NOT NULL DEFAULT 0,
        total_claimed bigint NOT NULL DEFAULT 0,
        withdraw_requested_at bigint NOT NULL DEFAULT 0,
        refund_nonce bigint NOT NULL DEFAULT 0,
        synced_at timestamptz,
        -- the claim that works on the channel, while that claim is unfinished
        pending_key text,
        pending_call uuid,
        -- the server SDK's own reservation, when its storage is used
        sdk_pending jsonb,
        last_request_at timestamptz NOT NULL DEFAULT now(),
        unclaimed_since timestamptz,
        -- the transaction that claims it now, and how often one failed since the last that did not
        claiming uuid,
        claim_failures integer NOT NULL DEFAULT 0,
        created_at timestamptz NOT NULL DEFAULT now(),
        CHECK (charged <= signed_max),
        CHECK ((pending_key IS NULL) = (pending_call IS NULL))
      )`);
    await runner.query(
      `CREATE INDEX channels_claimable ON channels (network, unclaimed_since) WHERE charged > total_claimed`,
    );
    await runner.query(`CREATE INDEX channels_claiming ON channels (claiming) WHERE claiming IS NOT NULL`);
    await runner.query(`CREATE INDEX channels_by_use ON channels (network, last_request_at)`);
    // A transaction that claims channels and transfers to their receiver.
    await runner.query(`
      CREATE TABLE channel_claims (
        id uuid PRIMARY KEY,
        network text NOT NULL,
        -- [{channelId, config, max, totalClaimed, signature}]: amounts are decimal strings
        claims jsonb NOT NULL,
        state text NOT NULL CHECK (state IN ('settling', 'settled', 'failed')),
        transaction text,
        reason text,
        created_at timestamptz NOT NULL DEFAULT now(),
        updated_at timestamptz NOT NULL DEFAULT now()
      )`);
    await runner.query(`CREATE INDEX channel_claims_open ON channel_claims (created_at) WHERE state = 'settling'`);
    // What arrived, one row per Settled log: anybody may cause one.
    await runner.query(`
      CREATE TABLE channel_settlements (
        network text NOT NULL,
        transaction text NOT NULL,
        log_index integer NOT NULL,
        receiver text NOT NULL,
        atoms bigint NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (network, transaction, log_index)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE channel_settlements`);
    await runner.query(`DROP TABLE channel_claims`);
    await runner.query(`DROP TABLE channels`);
  }
}
