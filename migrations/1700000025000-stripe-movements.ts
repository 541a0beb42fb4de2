import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Every movement of our balance at Stripe, and the entry that explains it. */
export class StripeMovements1700000025000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Amounts are what Stripe says: smallest units of `currency`, negative for what leaves.
    // open: no entry explains it yet. waived: an operator has said why none ever will.
    await runner.query(`
      CREATE TABLE stripe_transactions (
        id text PRIMARY KEY,
        type text NOT NULL,
        reporting_category text NOT NULL,
        source_id text,
        payment_intent_id text,
        payout_id text,
        currency text NOT NULL,
        amount_minor bigint NOT NULL,
        fee_minor bigint NOT NULL,
        net_minor bigint NOT NULL CHECK (net_minor = amount_minor - fee_minor),
        state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'booked', 'waived')),
        entry_id bigint CHECK ((state = 'booked') = (entry_id IS NOT NULL)),
        created_at timestamptz NOT NULL,
        available_at timestamptz NOT NULL,
        seen_at timestamptz NOT NULL DEFAULT now()
      )`);
    // A payment has one charge that succeeded: two of them would explain one entry twice.
    await runner.query(`
      CREATE UNIQUE INDEX stripe_transactions_of_payment ON stripe_transactions (payment_intent_id)
       WHERE type IN ('charge', 'payment')`);
    await runner.query(`CREATE INDEX stripe_transactions_by_source ON stripe_transactions (source_id)`);
    await runner.query(
      `CREATE INDEX stripe_transactions_open ON stripe_transactions (created_at) WHERE state = 'open'`,
    );
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE stripe_transactions`);
  }
}
