import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What a top-up is paid in, the tax of it, and what is given on top. */
export class TopUpTerms1700000026100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // atoms_per_minor: what a cent of the currency is credited as, in nano-USD. Fixed when the top-up is made.
    // bonus_atoms: promised until it is paid, given afterwards.
    await runner.query(`
      ALTER TABLE topups
        ADD currency text NOT NULL DEFAULT 'usd',
        ADD atoms_per_minor bigint NOT NULL DEFAULT 10000000 CHECK (atoms_per_minor > 0),
        ADD bonus_atoms bigint NOT NULL DEFAULT 0 CHECK (bonus_atoms >= 0),
        ADD tax_atoms bigint NOT NULL DEFAULT 0 CHECK (tax_atoms >= 0)`);
    await runner.query(`
      UPDATE topups t SET tax_atoms = p.tax
        FROM (SELECT topup_id, sum(tax_atoms) AS tax FROM stripe_payments GROUP BY 1) p WHERE p.topup_id = t.id`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE topups DROP currency, DROP atoms_per_minor, DROP bonus_atoms, DROP tax_atoms`);
  }
}
