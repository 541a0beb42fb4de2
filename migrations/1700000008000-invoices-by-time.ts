import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The operator's list of all invoices, newest first: keyset pages over every customer. */
export class InvoicesByTime1700000008000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`CREATE INDEX invoices_by_time ON invoices (issued_at DESC, id DESC)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP INDEX invoices_by_time`);
  }
}
