import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Payouts to the bank, what the books say of each movement at Stripe, and how far its events were swept. */
export class StripeBooks1700000029000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // Amounts are what Stripe says, in smallest units of `currency`: negative for a payout that takes from the bank.
    // difference_minor: what its transactions add up to, less its amount; null until that was looked at.
    await runner.query(`
      CREATE TABLE payouts (
        id text PRIMARY KEY,
        state text NOT NULL CHECK (state IN ('pending', 'in_transit', 'paid', 'failed', 'canceled')),
        automatic boolean NOT NULL,
        method text NOT NULL,
        currency text NOT NULL,
        amount_minor bigint NOT NULL,
        arrives_at timestamptz NOT NULL,
        reconciliation text NOT NULL,
        failure_code text,
        trace_id text,
        transaction_id text,
        failure_transaction_id text,
        tied_out_at timestamptz,
        difference_minor bigint,
        created_at timestamptz NOT NULL,
        seen_at timestamptz NOT NULL DEFAULT now(),
        CHECK ((tied_out_at IS NULL) = (difference_minor IS NULL))
      )`);
    await runner.query(`CREATE INDEX payouts_by_time ON payouts (created_at)`);
    await runner.query(`CREATE TABLE event_sweeps (name text PRIMARY KEY, swept_until timestamptz NOT NULL)`);
    // What a movement is in USD, and what the entries that explain it moved of stripe:clearing when they were last
    // added up. 10 000 000 nano-USD are a cent.
    await runner.query(`
      ALTER TABLE stripe_transactions
        ADD expected_atoms bigint NOT NULL
            GENERATED ALWAYS AS (CASE WHEN currency = 'usd' THEN net_minor * 10000000 ELSE 0 END) STORED,
        ADD explained_atoms bigint`);
    await runner.query(`CREATE INDEX stripe_transactions_by_time ON stripe_transactions (created_at)`);
    await runner.query(`
      CREATE INDEX stripe_transactions_unlike ON stripe_transactions (created_at)
       WHERE state = 'booked' AND explained_atoms IS DISTINCT FROM expected_atoms`);
    await runner.query(`CREATE INDEX stripe_transactions_by_entry ON stripe_transactions (entry_id)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      `DROP INDEX stripe_transactions_by_entry, stripe_transactions_unlike, stripe_transactions_by_time`,
    );
    await runner.query(`ALTER TABLE stripe_transactions DROP explained_atoms, DROP expected_atoms`);
    await runner.query(`DROP TABLE event_sweeps, payouts`);
  }
}
