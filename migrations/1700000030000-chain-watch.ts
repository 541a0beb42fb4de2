import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What the chains say of our addresses beside what the books say of them: two lists that are matched row by row. */
export class ChainWatch1700000030000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    // last_hash: of the block before next_block. opening_atoms: what the address had before first_block; null while the
    // node has not told it.
    await runner.query(`
      CREATE TABLE chain_cursors (
        network text NOT NULL,
        asset text NOT NULL,
        address text NOT NULL,
        first_block bigint NOT NULL,
        opening_atoms bigint,
        next_block bigint NOT NULL CHECK (next_block >= first_block),
        last_hash text,
        PRIMARY KEY (network, asset, address)
      )`);
    // One row per side that is ours. atoms: what the address got (negative: gave). entry_id: the entry that has it on
    // the books.
    await runner.query(`
      CREATE TABLE chain_transfers (
        network text NOT NULL,
        transaction text NOT NULL,
        log_index integer NOT NULL,
        address text NOT NULL,
        asset text NOT NULL,
        other text NOT NULL,
        atoms bigint NOT NULL CHECK (atoms <> 0),
        block_number bigint NOT NULL,
        block_hash text NOT NULL,
        mined_at timestamptz,
        state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'booked', 'suspense', 'attributed')),
        entry_id bigint,
        PRIMARY KEY (network, transaction, log_index, address)
      )`);
    await runner.query(`CREATE INDEX chain_transfers_open ON chain_transfers (network) WHERE state = 'open'`);
    await runner.query(`CREATE INDEX chain_transfers_suspended ON chain_transfers (network) WHERE state = 'suspense'`);
    await runner.query(`CREATE INDEX chain_transfers_by_block ON chain_transfers (network, block_number)`);
    await runner.query(`CREATE INDEX chain_transfers_by_entry ON chain_transfers (entry_id)`);
    // What each entry says of one address, in the order of the address's account.
    await runner.query(`
      CREATE TABLE chain_bookings (
        network text NOT NULL,
        address text NOT NULL,
        entry_id bigint NOT NULL,
        transaction text NOT NULL,
        atoms bigint NOT NULL,
        kind text NOT NULL,
        customer_id text,
        corrects bigint,
        posted_at timestamptz NOT NULL,
        state text NOT NULL CHECK (state IN ('open', 'matched')),
        PRIMARY KEY (network, address, entry_id)
      )`);
    await runner.query(`CREATE INDEX chain_bookings_open ON chain_bookings (network) WHERE state = 'open'`);
    await runner.query(`CREATE INDEX chain_bookings_by_transaction ON chain_bookings (network, transaction)`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP TABLE chain_bookings`);
    await runner.query(`DROP TABLE chain_transfers`);
    await runner.query(`DROP TABLE chain_cursors`);
  }
}
