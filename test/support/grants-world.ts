import { newId, prefixedId } from '../../src/common/id';
import { type Money, usd } from '../../src/common/money';
import { FrozenCredit } from '../../src/credits/frozen-credit.service';
import { accountOf, type NewGrant, newGrantId } from '../../src/credits/grant';
import { GrantsService, type RemainingCredit } from '../../src/credits/grants.service';
import { HeldCredit } from '../../src/credits/held-credit.service';
import { DatabaseService } from '../../src/database/database.service';
import { callCaptured, topUpReceived } from '../../src/ledger/entries';
import type { JournalEntry } from '../../src/ledger/journal-entry';
import { customerCredits, promoExpense } from '../../src/ledger/ledger-account';
import { type LedgerHold, LedgerService } from '../../src/ledger/ledger.service';
import type { HeldLeg } from '../../src/payments/claim';
import { LeggedCredit } from '../../src/payments/credit/legged-credit.service';
import type { TestApp } from './app';
import { asOwner } from './owner';

/** A call that is held in parts. */
export interface LeggedCall {
  readonly callId: string;
  readonly customerId: string;
  readonly held: Money;
  readonly legs: readonly HeldLeg[];
}

/** What a customer's grants can go through, without HTTP. Amounts are nano-USD. */
export class GrantsWorld {
  readonly grants: GrantsService;
  readonly frozen: FrozenCredit;
  readonly ledger: LedgerService;
  private readonly held: HeldCredit;
  private readonly legged: LeggedCredit;
  private readonly database: DatabaseService;

  constructor(private readonly test: Pick<TestApp, 'app' | 'ownerUrl'>) {
    const { app } = test;
    this.grants = app.get(GrantsService, { strict: false });
    this.frozen = app.get(FrozenCredit, { strict: false });
    this.ledger = app.get(LedgerService, { strict: false });
    this.held = app.get(HeldCredit, { strict: false });
    this.legged = app.get(LeggedCredit, { strict: false });
    this.database = app.get(DatabaseService, { strict: false });
  }

  transaction: DatabaseService['transaction'] = (work) => this.database.transaction(work);

  /** Credit as a card brings it. Returns the grant's id. */
  async give(customerId: string, atoms: bigint, more: Partial<NewGrant> = {}): Promise<string> {
    const id = prefixedId('top');
    const amount = usd(atoms);
    const entry = topUpReceived({ topUpId: id, customerId, gross: amount, fee: usd(0n), paymentIntentId: id });
    return this.arrive(customerId, entry, { class: 'paid', origin: 'topup', originId: id, amount, ...more });
  }

  /** Credit that was given for these models only. */
  giveFor(models: readonly string[], customerId: string, atoms: bigint, more: Partial<NewGrant> = {}): Promise<string> {
    const id = newGrantId();
    const amount = usd(atoms);
    const posting = { from: promoExpense(), to: accountOf({ id, customerId, models }), amount };
    const entry: JournalEntry = { key: `grant:${id}`, kind: 'grant_given', customerId, postings: [posting] };
    return this.arrive(customerId, entry, {
      id,
      class: 'promo',
      origin: 'manual',
      originId: id,
      amount,
      models,
      ...more,
    });
  }

  private async arrive(customerId: string, entry: JournalEntry, grant: NewGrant): Promise<string> {
    await this.grants.prepare(customerId, [grant]);
    const { grantIds } = await this.transaction((tx) => this.grants.arrive(tx, entry, { customerId, grants: [grant] }));
    return grantIds[0] as string;
  }

  /** A call in flight; `undefined` when the credit is not there. */
  async hold(customerId: string, atoms: bigint): Promise<LedgerHold | undefined> {
    const hold = { id: newId(), account: customerCredits(customerId, 'USD'), amount: usd(atoms) };
    const { verdict } = await this.held.hold(hold, new Date(Date.now() + 600_000));
    return verdict === 'held' ? hold : undefined;
  }

  async capture(hold: LedgerHold, atoms = hold.amount.atoms): Promise<void> {
    const customerId = hold.account.customerId as string;
    await this.ledger.capture(hold, callCaptured({ callId: hold.id, customerId, charge: usd(atoms) }));
  }

  /** A call that costs this much, when the credit is there. */
  async use(customerId: string, atoms: bigint): Promise<void> {
    const hold = await this.hold(customerId, atoms);
    if (hold) await this.capture(hold);
  }

  /** A call for a model that these grants pay for, in flight; `undefined` when the credit is not there. */
  async holdWith(grantIds: readonly string[], customerId: string, atoms: bigint): Promise<LeggedCall | undefined> {
    const callId = newId();
    const amount = usd(atoms);
    const call = { callId, customerId, amount, scheme: 'credit', apiKeyId: null, payer: null, capped: false };
    const until = new Date(Date.now() + 600_000);
    const outcome = await this.legged.hold({ ...call, claimKey: null, headers: {} }, grantIds, [], until);
    return outcome.kind === 'held' ? { callId, customerId, held: amount, legs: outcome.legs } : undefined;
  }

  /** It costs this much. */
  async captureWith({ legs, ...call }: LeggedCall, atoms: bigint): Promise<void> {
    await this.legged.capture({ ...call, charge: usd(atoms), rows: {} }, legs);
  }

  releaseWith({ customerId, legs }: LeggedCall): Promise<void> {
    return this.legged.release(customerId, legs);
  }

  /** The grant ends at this moment: the clock of the database cannot be moved, so the grant's end is. */
  async end(grantId: string): Promise<void> {
    await asOwner(
      this.test,
      // In the product's order of locks: the account, then its grants.
      [
        `UPDATE ledger_accounts SET next_expiry = least(next_expiry, clock_timestamp())
          WHERE id = (SELECT account_id FROM credit_grants WHERE id = $1)`,
        [grantId],
      ],
      ['UPDATE credit_grants SET expires_at = clock_timestamp() WHERE id = $1', [grantId]],
    );
  }

  /** The customer may owe so much from now on; nothing happens where it owes more. */
  async limit(customerId: string, atoms: bigint): Promise<void> {
    await this.grants.prepare(customerId);
    const set = `UPDATE ledger_accounts SET credit_limit = $2
                  WHERE code = $1 AND credits_posted - debits_posted - held + $2 >= 0`;
    await this.database.query(set, [customerCredits(customerId, 'USD').code, atoms]);
  }

  /** The oldest first. */
  async grantsOf(customerId: string): Promise<string[]> {
    const sql = 'SELECT id FROM credit_grants WHERE customer_id = $1 ORDER BY id';
    return (await this.database.query<{ id: string }>(sql, [customerId])).map(({ id }) => id);
  }

  remaining(grantId: string): Promise<RemainingCredit> {
    return this.transaction((tx) => this.grants.remaining(tx, grantId));
  }

  /** An instant in whole milliseconds, behind all that has happened and before all that comes. */
  async instant(): Promise<Date> {
    const [clock] = await this.database.query<{ at: Date }>(
      `SELECT date_trunc('milliseconds', clock_timestamp()) + interval '1 millisecond' AS at, pg_sleep(0.002)`,
    );
    return (clock as { at: Date }).at;
  }

  async left(grantId: string): Promise<bigint> {
    return (await this.remaining(grantId)).remaining.atoms;
  }
}

/**
 * What is wrong with customers' grants, in words; empty when they say the same as the books. In SQL of its own, and not
 * as the product works it out. To be asked while nobody writes.
 */
export async function brokenGrants({ app }: Pick<TestApp, 'app'>): Promise<string[]> {
  const rows = await app.get(DatabaseService, { strict: false }).query<{ broken: string }>(
    Object.entries(INVARIANTS)
      .map(([name, sql]) => `(SELECT '${name}: ' || subject AS broken FROM (${sql}) AS t(subject) LIMIT 3)`)
      .join(' UNION ALL '),
  );
  return rows.map(({ broken }) => broken);
}

/** Each selects what breaks it. */
const INVARIANTS: Readonly<Record<string, string>> = {
  'credit is the sum of its grants, less what was used since': `
    SELECT format('%s: %s left of grants, %s not covered, %s used since, balance %s',
                  code, remaining, uncovered, debits_posted - seen, credits_posted - debits_posted)
      FROM ledger_accounts a,
           LATERAL (SELECT coalesce(sum(remaining_atoms), 0) AS remaining FROM credit_grants WHERE account_id = a.id) g,
           LATERAL (SELECT coalesce(max(debits_seen), 0) AS seen, coalesce(max(uncovered_atoms), 0) AS uncovered
                      FROM credit_positions WHERE account_id = a.id) p
     WHERE asset = 'USD' AND guarded
       AND remaining - uncovered - (debits_posted - seen) <> credits_posted - debits_posted`,
  'what is left of a grant is what its movements left': `
    SELECT id FROM credit_grants g,
           LATERAL (SELECT coalesce(sum(CASE WHEN kind IN ('granted', 'returned') THEN atoms
                                             WHEN kind IN ('frozen', 'thawed') THEN 0 ELSE -atoms END), 0) AS moved,
                           coalesce(sum(CASE kind WHEN 'frozen' THEN atoms WHEN 'thawed' THEN -atoms END), 0) AS froze
                      FROM grant_movements WHERE grant_id = g.id) m
     WHERE moved <> remaining_atoms OR froze <> frozen_atoms`,
  'frozen credit is held': `
    SELECT frozen_by::text FROM (SELECT frozen_by, sum(frozen_atoms) AS frozen FROM credit_grants GROUP BY 1) g
      LEFT JOIN holds h ON h.id = frozen_by AND state = 'open'
     WHERE frozen_by IS NOT NULL AND h.atoms IS DISTINCT FROM frozen`,
};
