import { Injectable } from '@nestjs/common';
import { formatAtoms, formatMoney, usd } from '../../common/money';
import type { Finding } from '../../common/reconciliation-side';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { stripeClearing } from '../../ledger/ledger-account';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';
import { likelyCauseOf } from './movement-kind';

/** What Stripe must show within this time after we have booked it. */
const GRACE_MS = 3_600_000;
/** So many in a statement, which then takes less than a second. */
const AT_ONCE = 5_000;

/** Compares movements of Stripe's balance with the entries that explain them, both ways. */
@Injectable()
export class BookDifferences {
  constructor(
    private readonly database: DatabaseService,
    private readonly accounts: LedgerAccountsService,
  ) {}

  /**
   * Adds up what entries have moved of `stripe:clearing` for each movement since `from`, and for every older one that
   * was never looked at or did not match. A payment's fee and exchange rate have entries of their own, and so have
   * corrections.
   */
  async addUp(from: Date): Promise<void> {
    const clearing = await this.accounts.idOf(stripeClearing());
    for (let after: string | undefined = ''; after !== undefined;) {
      const rows: { id: string }[] = await this.database.query(TO_ADD_UP, [from, after, AT_ONCE]);
      const ids = rows.map(({ id }) => id);
      await this.oneByOne((tx) => tx.query(ADD_UP, [clearing, ids]));
      after = ids.at(-1);
    }
  }

  /** Everything that does not match, after `addUp`. */
  async find(now: Date): Promise<Finding[]> {
    const clearing = await this.accounts.idOf(stripeClearing());
    const [unlike, missing, suspended] = await Promise.all([
      this.database.query<UnlikeRow>(UNLIKE),
      this.oneByOne((tx) => tx.query<MissingRow>(MISSING, [clearing, new Date(now.getTime() - GRACE_MS)])),
      this.database.query<SuspendedRow>(SUSPENDED),
    ]);
    return [...unlike.map(toUnlike), ...missing.map(toMissing), ...suspended.map(toSuspended)];
  }

  /** All movements that were ever seen, in nano-USD. */
  async total(): Promise<bigint> {
    const [row] = await this.database.query<{ atoms: string | null }>(
      'SELECT sum(expected_atoms) AS atoms FROM stripe_transactions',
    );
    return BigInt(row?.atoms ?? 0);
  }

  /** Whether any movement of Stripe's balance was ever seen. */
  async hasMovements(): Promise<boolean> {
    return (await this.database.query('SELECT FROM stripe_transactions LIMIT 1')).length > 0;
  }

  /**
   * Entries are looked up by key, each through an index: a planner that expects many would read the keys of every call
   * there ever was, of which those of Stripe are few.
   */
  private oneByOne<Row>(ask: (tx: Tx) => Promise<Row[]>): Promise<Row[]> {
    return this.database.transaction(async (tx) => {
      await tx.query(`SELECT set_config(name, 'off', true) FROM unnest($1::text[]) AS name`, [
        ['enable_hashjoin', 'enable_mergejoin', 'enable_seqscan'],
      ]);
      return ask(tx);
    });
  }
}

const TO_ADD_UP = `
  SELECT id FROM stripe_transactions
   WHERE state = 'booked' AND (explained_atoms IS DISTINCT FROM expected_atoms OR created_at >= $1) AND id > $2
   ORDER BY id LIMIT $3`;

const ADD_UP = `
  WITH RECURSIVE checked AS (
    SELECT id, entry_id, payment_intent_id FROM stripe_transactions WHERE id = ANY ($2) AND state = 'booked'
  ), entries AS (
    (SELECT id, entry_id FROM checked
     UNION ALL
     SELECT c.id, k.entry_id FROM checked c JOIN stripe_transactions t USING (id)
       JOIN journal_keys k ON k.key IN ('stripe-fee:' || c.payment_intent_id, 'fx:' || c.payment_intent_id)
      WHERE t.type IN ('charge', 'payment'))
    UNION
    SELECT e.id, k.entry_id FROM entries e JOIN journal_keys k ON k.key = 'correction:' || e.entry_id
  ), moved AS (
    SELECT e.id, coalesce(sum(CASE WHEN p.debit_account_id = $1 THEN atoms
                                   WHEN p.credit_account_id = $1 THEN -atoms END), 0) AS atoms
      FROM entries e JOIN postings p USING (entry_id) GROUP BY e.id
  )
  UPDATE stripe_transactions t SET explained_atoms = m.atoms FROM moved m
   WHERE t.id = m.id AND t.explained_atoms IS DISTINCT FROM m.atoms`;

/** What was booked since it was added up last is for the next time. */
const UNLIKE = `
  SELECT id, type, state, currency, net_minor, expected_atoms - coalesce(explained_atoms, 0) AS atoms, created_at
    FROM stripe_transactions
   WHERE state = 'open' OR state = 'booked' AND explained_atoms <> expected_atoms
   ORDER BY created_at, id`;

/**
 * A payment's fee and rate belong to the payment, and what the operator has resolved has been judged. A correction
 * takes back what it corrects: where nothing is left of both, nothing is missing.
 */
const MISSING = `
  WITH RECURSIVE entries AS (
    SELECT entry_id AS root, entry_id FROM postings p
     WHERE (debit_account_id = $1 OR credit_account_id = $1) AND posted_at < $2
       AND kind NOT IN ('stripe_fee_charged', 'fx_difference', 'entry_corrected', 'discrepancy_resolved')
       AND NOT EXISTS (SELECT FROM stripe_transactions t WHERE t.entry_id = p.entry_id)
    UNION
    SELECT e.root, k.entry_id FROM entries e JOIN journal_keys k ON k.key = 'correction:' || e.entry_id
  ), moved AS (
    SELECT root, sum(CASE WHEN debit_account_id = $1 THEN atoms WHEN credit_account_id = $1 THEN -atoms END) AS atoms
      FROM entries e JOIN postings p USING (entry_id) GROUP BY root
  )
  SELECT root AS entry_id, key, kind, customer_id, posted_at, m.atoms
    FROM moved m JOIN postings p ON p.entry_id = root AND line = 1 WHERE m.atoms <> 0 ORDER BY root`;

const SUSPENDED = `
  SELECT p.payment_intent_id, p.gross_atoms - p.returned_atoms AS atoms, t.created_at
    FROM stripe_payments p JOIN stripe_transactions t ON t.entry_id = p.entry_id
   WHERE p.topup_id IS NULL AND p.gross_atoms > p.returned_atoms
     AND NOT EXISTS (SELECT FROM journal_keys WHERE key = 'correction:' || p.entry_id)
   ORDER BY t.created_at, p.payment_intent_id`;

interface UnlikeRow {
  id: string;
  type: string;
  state: 'open' | 'booked';
  currency: string;
  net_minor: bigint;
  atoms: bigint;
  created_at: Date;
}

function toUnlike(row: UnlikeRow): Finding {
  const shown = { ref: row.id, amount: usd(row.atoms), account: stripeClearing().code, since: row.created_at };
  if (row.currency !== 'usd') {
    const amount = `${row.net_minor} of the smallest unit of ${row.currency}`;
    const cause = `The account settles ${amount} (${row.type}) in a currency that the books do not keep. Let Stripe settle in USD.`;
    return { ...shown, kind: 'settles_in_other_currency', suggestedCause: cause };
  }
  if (row.state === 'open')
    return { ...shown, kind: 'transaction_unexplained', suggestedCause: likelyCauseOf(row.type) };
  const [by, which] = row.atoms > 0n ? [row.atoms, 'more'] : [-row.atoms, 'less'];
  const cause = `Stripe has ${formatMoney(usd(by))} USD ${which} by this ${row.type} than its entries say, most likely a fee that was corrected afterwards. Compare them with the movement in the Stripe dashboard.`;
  return { ...shown, kind: 'amount_differs', suggestedCause: cause };
}

interface MissingRow {
  entry_id: bigint;
  key: string;
  kind: string;
  customer_id: string | null;
  posted_at: Date;
  atoms: string;
}

const toMissing = ({
  entry_id: entryId,
  key,
  kind,
  customer_id: customerId,
  posted_at: since,
  atoms,
}: MissingRow): Finding => ({
  kind: 'not_at_stripe',
  ref: `entry:${entryId}`,
  amount: usd(-BigInt(atoms)),
  account: stripeClearing().code,
  ...(customerId === null ? {} : { customerId }),
  since,
  suggestedCause: `The books have ${key} (${kind}), and Stripe lists no movement for it. Look whether it is of another Stripe account, or of test mode; if it never happened, take it back.`,
});

interface SuspendedRow {
  payment_intent_id: string;
  atoms: bigint;
  created_at: Date;
}

/** Stripe's balance and the books agree on it: no amount is missing, only its owner. */
const toSuspended = ({ payment_intent_id: ref, atoms, created_at: since }: SuspendedRow): Finding => ({
  kind: 'payment_in_suspense',
  ref,
  amount: usd(0n),
  since,
  suggestedCause: `Somebody paid ${formatAtoms(atoms, 9)} USD that belongs to no top-up: it is in suspense. Find the payer in the Stripe dashboard, and refund it there or move it to whom it belongs.`,
});
