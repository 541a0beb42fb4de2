import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What was paid in USDC and given back: to its payer on the chain, or to the wallet's balance. */
export class UsdcRefunds1700000034000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE withdrawals ADD kind text NOT NULL DEFAULT 'withdrawal' CHECK (kind IN ('withdrawal', 'refund'))`);
    // source: a call that was charged, a top-up of somebody's USD balance, or a transfer that is the wallet's credit.
    // payment_id: the claim of the transfer behind it; none where no transfer of its own is.
    await runner.query(`
      CREATE TABLE usdc_refunds (
        id text PRIMARY KEY,
        source text NOT NULL CHECK (source IN ('call', 'top_up', 'transfer')),
        call_id uuid,
        payment_id text,
        wallet_id text NOT NULL REFERENCES customers,
        topped_up text REFERENCES customers,
        destination text NOT NULL CHECK (destination IN ('payer', 'balance')),
        atoms bigint NOT NULL CHECK (atoms > 0),
        owed_atoms bigint NOT NULL CHECK (owed_atoms >= 0),
        forced boolean NOT NULL,
        reason text,
        state text NOT NULL,
        withdrawal_id uuid UNIQUE REFERENCES withdrawals,
        idempotency_key text UNIQUE,
        fingerprint text,
        created_at timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz,
        CHECK ((source = 'call') = (call_id IS NOT NULL)),
        CHECK (source = 'call' OR payment_id IS NOT NULL),
        CHECK ((source = 'top_up') = (topped_up IS NOT NULL)),
        CHECK ((destination = 'payer') = (withdrawal_id IS NOT NULL))
      )`);
    await runner.query(`CREATE INDEX usdc_refunds_by_call ON usdc_refunds (call_id) WHERE call_id IS NOT NULL`);
    await runner.query(`CREATE INDEX usdc_refunds_by_payment ON usdc_refunds (payment_id)`);
    await runner.query(`CREATE INDEX usdc_refunds_by_wallet ON usdc_refunds (wallet_id, id DESC)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE usdc_refunds`);
    await runner.query(`ALTER TABLE withdrawals DROP kind`);
  }
}
