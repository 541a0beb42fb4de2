import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service';
import { type LedgerAccount, stripeDisputed, stripeRefunding } from '../../ledger/ledger-account';

/** An account on which money waits for the end of a refund or a dispute, as the books and those cases have it. */
export interface WaitingMoney {
  readonly account: string;
  /** In nano-USD, credits less debits, as all of this. */
  readonly balance: bigint;
  /** Of that, what is of cases that are open. */
  readonly open: bigint;
  readonly leftovers: readonly Leftover[];
}

/** What is left on the account of a case that is over, or of none. */
export interface Leftover {
  /** A dispute's id at Stripe, our refund's id, or what else its entries say that they are about. */
  readonly ref: string;
  /** In the words of `refunds` and `disputes`; `null`: there is no such case. */
  readonly state: string | null;
  readonly customerId: string | null;
  readonly atoms: bigint;
  /** When it was moved last. */
  readonly since: Date;
}

/** Compares `stripe:refunding` and `stripe:disputed` with the refunds and disputes that are open. */
@Injectable()
export class ReversalCheck {
  constructor(private readonly database: DatabaseService) {}

  async check(): Promise<WaitingMoney[]> {
    return [await this.waitingAt(stripeRefunding()), await this.waitingAt(stripeDisputed())];
  }

  /** One statement, and so one moment. */
  private async waitingAt({ code, asset }: LedgerAccount): Promise<WaitingMoney> {
    const rows = await this.database.query<LeftRow>(LEFT, [code, asset]);
    const open = rows.filter(({ state }) => state !== null && OPEN.includes(state));
    const over = rows.filter((row) => !open.includes(row));
    return {
      account: code,
      balance: BigInt(rows[0]?.balance ?? 0),
      open: open.reduce((sum, { atoms }) => sum + BigInt(atoms ?? 0), 0n),
      leftovers: over.flatMap(({ ref, state, customer_id: customerId, atoms, since }) =>
        ref === null || atoms === null || since === null
          ? []
          : [{ ref, state, customerId, atoms: BigInt(atoms), since }],
      ),
    };
  }
}

/** Of refunds and disputes. A refund that has succeeded has left, and a dispute that is lost was taken from its payer. */
const OPEN: readonly string[] = ['new', 'inquiry', 'open', 'opened', 'pending'];

/** A correction is about what the entry that it corrects is about, and a resolution about what it resolves. */
const LEFT = `
  WITH RECURSIVE account AS (
    SELECT id, credits_posted - debits_posted AS balance FROM ledger_accounts WHERE code = $1 AND asset = $2
  ), lines AS (
    SELECT entry_id, corrects, memo, p.customer_id, posted_at, atoms FROM account a JOIN postings p ON credit_account_id = a.id
     UNION ALL
    SELECT entry_id, corrects, memo, p.customer_id, posted_at, -atoms FROM account a JOIN postings p ON debit_account_id = a.id
  ), about AS (
    SELECT entry_id, coalesce(memo->>'dispute', memo->>'refund', memo->>'ref', 'entry:' || entry_id) AS ref
      FROM lines WHERE corrects IS NULL
     UNION
    SELECT l.entry_id, about.ref FROM about JOIN lines l ON l.corrects = about.entry_id
  ), cases AS (
    SELECT ref, sum(atoms) AS atoms, max(customer_id) AS customer_id, max(posted_at) AS since
      FROM about JOIN lines USING (entry_id) GROUP BY ref HAVING sum(atoms) <> 0
  )
  SELECT balance, ref, c.atoms, coalesce(d.phase, r.state) AS state, c.customer_id, since
    FROM account LEFT JOIN cases c ON true LEFT JOIN disputes d ON d.id = ref LEFT JOIN refunds r ON r.id = ref
   ORDER BY ref`;

interface LeftRow {
  balance: bigint;
  ref: string | null;
  atoms: string | null;
  state: string | null;
  customer_id: string | null;
  since: Date | null;
}
