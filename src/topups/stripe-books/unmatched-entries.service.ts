import { Injectable } from '@nestjs/common';
import { usd } from '../../common/money';
import type { Finding } from '../../common/reconciliation-side';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { stripeClearing } from '../../ledger/ledger-account';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';

/** An entry on `stripe:clearing` that no movement at Stripe stands for. */
export interface UnmatchedEntry {
  readonly entryId: bigint;
  readonly key: string;
  readonly kind: string;
  readonly customerId: string | null;
  readonly postedAt: Date;
  /** What it moved of the account, with what took it back; in nano-USD. */
  readonly atoms: bigint;
}

/**
 * Entries on `stripe:clearing` without a movement at Stripe. Each entry is looked at once, in the order of the books:
 * the few that had none then are remembered (`stripe_unmatched_entries`) and looked at again, however old they are.
 */
@Injectable()
export class UnmatchedEntries {
  constructor(
    private readonly database: DatabaseService,
    private readonly accounts: LedgerAccountsService,
  ) {}

  /** Goes on to the entries that were posted before `until`. */
  async advance(until: Date): Promise<void> {
    const clearing = await this.accounts.idOf(stripeClearing());
    await this.database.query(`INSERT INTO clearing_cursors VALUES ('stripe', 0) ON CONFLICT DO NOTHING`);
    await this.database.transaction(async (tx) => {
      await tx.query(`SELECT FROM clearing_cursors WHERE name = 'stripe' FOR UPDATE`);
      await oneByOne(tx);
      await tx.query(ADVANCE, [clearing, until]);
      await tx.query(
        'DELETE FROM stripe_unmatched_entries u WHERE EXISTS (SELECT FROM stripe_transactions t WHERE t.entry_id = u.entry_id)',
      );
    });
  }

  /** All there are now, the youngest with them, after `advance` and after `oneByOne` in the same transaction. */
  async all(tx: Tx): Promise<UnmatchedEntry[]> {
    const rows = await tx.query<Omit<UnmatchedEntry, 'atoms'> & { atoms: string }>(UNMATCHED, [
      await this.accounts.idOf(stripeClearing()),
    ]);
    return rows.map(({ atoms, ...row }) => ({ ...row, atoms: BigInt(atoms) }));
  }
}

/**
 * Entries are looked up by key, each through an index: a planner that expects many would read the keys of every call
 * there ever was, of which those of Stripe are few. For the rest of the transaction.
 */
export async function oneByOne(tx: Tx): Promise<void> {
  await tx.query(`SELECT set_config(name, 'off', true) FROM unnest($1::text[]) AS name`, [
    ['enable_hashjoin', 'enable_mergejoin', 'enable_seqscan'],
  ]);
}

export const toMissing = ({ entryId, key, kind, customerId, postedAt: since, atoms }: UnmatchedEntry): Finding => ({
  kind: 'not_at_stripe',
  ref: `entry:${entryId}`,
  amount: usd(-atoms),
  account: stripeClearing().code,
  ...(customerId === null ? {} : { customerId }),
  since,
  suggestedCause: `The books have ${key} (${kind}), and Stripe lists no movement for it. Look whether it is of another Stripe account, or of test mode; if it never happened, take it back.`,
});

/** Entries behind the cursor, each once. On one account, ids are in the order of the commits. */
const BEHIND = ['debit', 'credit']
  .map(
    (side) => `
    SELECT p.entry_id, p.kind, p.posted_at FROM clearing_cursors c JOIN postings p ON p.entry_id > c.entry_id
     WHERE c.name = 'stripe' AND ${side}_account_id = $1`,
  )
  .join(' UNION ');

/** A payment's fee and rate belong to the payment, and what the operator has resolved has been judged. */
const WITHOUT_MOVEMENT = `
  kind NOT IN ('stripe_fee_charged', 'fx_difference', 'entry_corrected', 'discrepancy_resolved')
  AND NOT EXISTS (SELECT FROM stripe_transactions t WHERE t.entry_id = behind.entry_id)`;

const ADVANCE = `
  WITH behind AS (${BEHIND}),
  passed AS (
    SELECT * FROM behind
     WHERE entry_id < (SELECT coalesce(min(entry_id), 9223372036854775807) FROM behind WHERE posted_at >= $2)
  ), kept AS (
    INSERT INTO stripe_unmatched_entries
    SELECT entry_id FROM passed behind WHERE ${WITHOUT_MOVEMENT} ON CONFLICT DO NOTHING
  )
  UPDATE clearing_cursors SET entry_id = last.id FROM (SELECT max(entry_id) AS id FROM passed) last
   WHERE name = 'stripe' AND last.id IS NOT NULL`;

/** A correction takes back what it corrects: where nothing is left of both, nothing is missing. */
const UNMATCHED = `
  WITH RECURSIVE behind AS (
    ${BEHIND}
     UNION
    SELECT u.entry_id, first.kind, first.posted_at FROM stripe_unmatched_entries u, ${firstLineOf('u.entry_id')}
  ), entries AS (
    SELECT entry_id AS root, entry_id FROM behind WHERE ${WITHOUT_MOVEMENT}
    UNION
    SELECT e.root, k.entry_id FROM entries e JOIN journal_keys k ON k.key = 'correction:' || e.entry_id
  ), moved AS (
    SELECT root, sum(CASE WHEN debit_account_id = $1 THEN atoms WHEN credit_account_id = $1 THEN -atoms END) AS atoms
      FROM entries e JOIN postings p USING (entry_id) GROUP BY root
  )
  SELECT root AS "entryId", key, kind, customer_id AS "customerId", posted_at AS "postedAt", m.atoms
    FROM moved m, ${firstLineOf('m.root')} WHERE m.atoms <> 0 ORDER BY root`;

/** One step along an index for each: a join with all first lines there are would read them all. */
function firstLineOf(entryId: string): string {
  return `LATERAL (SELECT * FROM postings WHERE entry_id = ${entryId} AND line = 1 LIMIT 1) first`;
}
