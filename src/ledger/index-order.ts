import type { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';

/**
 * Reads whose order must come from an index: a planner that expects few rows would read and sort them all, and be
 * wrong by millions for an account that everybody pays into. Sorts that no index can save are still made. All of them
 * see the books of one moment.
 */
export const inIndexOrder = <Result>(database: DatabaseService, read: (tx: Tx) => Promise<Result>): Promise<Result> =>
  database.transaction(async (tx) => {
    await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
    await tx.query(
      `SELECT set_config(name, 'off', true) FROM unnest('{enable_sort,enable_seqscan,enable_bitmapscan}'::text[]) AS name`,
    );
    return read(tx);
  });
