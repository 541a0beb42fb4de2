import type { BenchDatabase } from './ledger-server';
import { withOwner } from './owner';

/** The part of the flush functions that chains: the digest of what it wrote, whose row a trigger links at the commit. */
const CHAINED =
  /WITH written AS \(\s*(INSERT INTO postings[\s\S]*?)\s*RETURNING \*\)\s*INSERT INTO ledger_flushes[\s\S]*?FROM written w;/;

/**
 * Runs `work` with the same `ledger_apply` (which writes nearly every flush) but for its hash chain, and puts it back. For comparison only: what is
 * posted meanwhile is in no link, and the product's verification would say so.
 *
 * @throws Error when the function is not written as this file expects.
 */
export function withoutChain<Result>({ ownerUrl }: BenchDatabase, work: () => Promise<Result>): Promise<Result> {
  return withOwner(ownerUrl, async (owner) => {
    const { rows } = await owner.query<{ definition: string }>(
      `SELECT pg_get_functiondef('ledger_apply'::regproc) AS definition`,
    );
    const definition = rows[0]?.definition ?? '';
    if (!CHAINED.test(definition)) throw new Error('ledger_apply has no hash chain where this bench looks for it');
    await owner.query(definition.replace(CHAINED, '$1;'));
    try {
      return await work();
    } finally {
      await owner.query(definition);
    }
  });
}
