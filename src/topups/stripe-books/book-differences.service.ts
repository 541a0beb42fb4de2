import { Injectable } from '@nestjs/common';
import { formatAtoms, formatMoney, type Money, usd } from '../../common/money';
import type { Finding } from '../../common/reconciliation-side';
import { DatabaseService } from '../../database/database.service';
import { stripeClearing } from '../../ledger/ledger-account';
import { LedgerAccountsService } from '../../ledger/ledger-accounts.service';
import { likelyCauseOf } from './movement-kind';
import { oneByOne, toMissing, UnmatchedEntries } from './unmatched-entries.service';

/** What Stripe must show within this time after we have booked it. */
const GRACE_MS = 3_600_000;
/** So many in a statement, which then takes less than a second. */
const AT_ONCE = 5_000;

/** Both sides at one moment. */
export interface Standing {
  /** What the books say is at Stripe, without `waiting`. In USD. */
  readonly ours: Money;
  /** All movements that were ever seen. In USD. */
  readonly seen: Money;
  /** Entries whose movement Stripe may still list. */
  readonly waiting: number;
  readonly findings: readonly Finding[];
}

/** Compares movements of Stripe's balance with the entries that explain them, both ways. */
@Injectable()
export class BookDifferences {
  constructor(
    private readonly database: DatabaseService,
    private readonly accounts: LedgerAccountsService,
    private readonly entries: UnmatchedEntries,
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
      await this.database.transaction(async (tx) => {
        await oneByOne(tx);
        await tx.query(ADD_UP, [clearing, ids]);
      });
      after = ids.at(-1);
    }
  }

  /**
   * What Stripe's balance and the books are at one moment, and everything that does not match then, after `addUp`. What
   * only the books have is no finding in its first hour before `now`, and is in neither sum.
   */
  async find(now: Date): Promise<Standing> {
    const young = new Date(now.getTime() - GRACE_MS);
    await this.entries.advance(young);
    return this.database.transaction(async (tx) => {
      await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY');
      const [seen] = await tx.query<{ atoms: string | null }>(SEEN);
      const { posted } = await this.accounts.balance(stripeClearing(), tx);
      const unlike = await tx.query<UnlikeRow>(UNLIKE);
      const suspended = await tx.query<SuspendedRow>(SUSPENDED);
      await oneByOne(tx);
      const unmatched = await this.entries.all(tx);
      const waiting = unmatched.filter(({ postedAt }) => postedAt >= young);
      const missing = unmatched.filter(({ postedAt }) => postedAt < young);
      return {
        ours: usd(waiting.reduce((sum, { atoms }) => sum - atoms, -posted.atoms)),
        seen: usd(BigInt(seen?.atoms ?? 0)),
        waiting: waiting.length,
        findings: [...unlike.map(toUnlike), ...missing.map(toMissing), ...suspended.map(toSuspended)],
      };
    });
  }

  /** What the books say is at Stripe. In USD. */
  async booked(): Promise<Money> {
    return usd(-(await this.accounts.balance(stripeClearing())).posted.atoms);
  }

  /** Whether any movement of Stripe's balance was ever seen. */
  async hasMovements(): Promise<boolean> {
    return (await this.database.query('SELECT FROM stripe_transactions LIMIT 1')).length > 0;
  }
}

const SEEN = 'SELECT sum(expected_atoms) AS atoms FROM stripe_transactions';

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

const SUSPENDED = `
  SELECT p.payment_intent_id, p.gross_atoms - p.returned_atoms AS atoms, t.created_at
    FROM stripe_payments p JOIN stripe_transactions t ON t.entry_id = p.entry_id
   WHERE p.topup_id IS NULL AND p.attributed_to IS NULL AND p.gross_atoms > p.returned_atoms
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
