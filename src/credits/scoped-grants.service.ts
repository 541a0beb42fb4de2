import { Injectable, type OnModuleInit } from '@nestjs/common';
import { InvalidRequestError } from '../common/billing-error';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import { JobsService } from '../jobs/jobs.service';
import { customerCredits, customerGrant, type LedgerAccount } from '../ledger/ledger-account';
import { LedgerAccountsService } from '../ledger/ledger-accounts.service';
import { allocate, withoutShares } from './allocation';
import { accountOf } from './grant';
import { GrantStore } from './grant-store.service';
import { type Leg, legsFor, type Source } from './legs';

/**
 * Grants that pay for some models only: each is an account of its own, so that no other call can use it. A customer that
 * has any is told by the look-up of its key; for everybody else nothing is asked.
 */
@Injectable()
export class ScopedGrants implements OnModuleInit {
  constructor(
    private readonly database: DatabaseService,
    private readonly accounts: LedgerAccountsService,
    private readonly store: GrantStore,
    private readonly jobs: JobsService,
  ) {}

  onModuleInit(): void {
    this.jobs.register({ name: 'tidy-scoped-grants', everySeconds: 3600, run: async () => void (await this.tidy()) });
  }

  /** Before any account: whoever attests credit takes both in this order. */
  async lock(tx: Tx, customerId: string): Promise<void> {
    await tx.query('SELECT FROM customers WHERE id = $1 FOR NO KEY UPDATE', [customerId]);
  }

  /** Before any account: so many more are about to arrive. @throws InvalidRequestError `too_many_scoped_grants` */
  async admit(tx: Tx, customerId: string, arriving: number): Promise<void> {
    if (arriving === 0) return;
    await this.lock(tx, customerId);
    await this.assertRoom(tx, customerId, arriving);
  }

  /**
   * Whether the customer may have so many more: that bounds what a hold locks. Decided by `admit`, with the customer
   * locked. @throws InvalidRequestError `too_many_scoped_grants`
   */
  async assertRoom(tx: Tx, customerId: string, arriving: number): Promise<void> {
    if (arriving === 0) return;
    const [row] = await tx.query<{ live: number }>(`SELECT count(*)::integer AS live ${LIVE}`, [customerId]);
    if ((row?.live ?? 0) + arriving > MOST_LIVE) throw tooMany();
  }

  /** With the customer locked: what the look-up of its keys reads from now on. */
  async announce(tx: Tx, customerId: string): Promise<void> {
    await tx.query(ANNOUNCE, [customerId]);
  }

  /** Keys of customers whose scoped grants are all used up are looked up as everybody's. Returns how many were told of. */
  async tidy(): Promise<number> {
    const rows = await this.database.query<{ id: string }>('SELECT id FROM customers WHERE scoped_grants IS NOT NULL');
    for (const { id } of rows) {
      await this.database.transaction(async (tx) => {
        await this.lock(tx, id);
        await this.announce(tx, id);
      });
    }
    return rows.length;
  }

  /** Before the transaction of `legs` is opened: what is not known yet is looked up on a connection of its own. */
  async prepare(customerId: string, grantIds: readonly string[]): Promise<void> {
    await this.accounts.idsOf(sourcesOf(customerId, grantIds));
  }

  /**
   * Who gives what to a call that wants `wanted` nano-USD. Every account of it is locked until `tx` ends.
   * @param grantIds Those that pay for its model.
   */
  async legs(tx: Tx, customerId: string, grantIds: readonly string[], wanted: bigint): Promise<Leg[]> {
    const accounts = sourcesOf(customerId, grantIds);
    const ids = await this.accounts.idsOf(accounts);
    await tx.query('SELECT FROM ledger_accounts WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE', [ids]);
    // Behind the lock, by a statement of its own: that one may have waited, and saw the rest as it was before.
    const rows = await tx.query<AccountRow>(FUNDS, [ids]);
    const all = await this.store.left(tx, ...ids);
    const sources = new Map<string, Source>();
    for (const { code, free, used } of rows) {
      const left = all.filter((grant) => accountOf(grant).code === code);
      const grants = withoutShares(left, allocate(left, used).shares);
      sources.set(code, { grants, free: free > 0n ? free : 0n });
    }
    const [pool = NOTHING, ...scoped] = accounts.map(({ code }) => sources.get(code) ?? NOTHING);
    return legsFor(wanted, scoped, pool);
  }
}

/** The customer's pool first. */
const sourcesOf = (customerId: string, grantIds: readonly string[]): LedgerAccount[] => [
  customerCredits(customerId, 'USD'),
  ...grantIds.map((id) => customerGrant(customerId, id)),
];

const NOTHING: Source = { grants: [], free: 0n };

/** `used` since the checkpoint, or by no grant until now. */
const FUNDS = `
  SELECT code, credits_posted - debits_posted - held AS free,
         debits_posted - coalesce((SELECT debits_seen - uncovered_atoms FROM credit_positions WHERE account_id = id), 0) AS used
    FROM ledger_accounts WHERE id = ANY ($1::bigint[])`;

interface AccountRow {
  code: string;
  free: bigint;
  used: bigint;
}

/** What a customer may have of them at once: each is a row that a hold for its models locks. */
const MOST_LIVE = 20;

/** Of which something is left, and which have not ended. */
const LIVE = `
      FROM credit_grants g JOIN ledger_accounts a ON a.id = account_id
     WHERE g.customer_id = $1 AND models IS NOT NULL AND credits_posted > debits_posted
       AND (expires_at IS NULL OR expires_at > clock_timestamp())`;

const ANNOUNCE = `
  UPDATE customers SET scoped_grants = (
    SELECT jsonb_agg(jsonb_build_object('grantId', g.id, 'models', models) ORDER BY g.created_at, g.id) ${LIVE})
   WHERE id = $1`;

const tooMany = () =>
  new InvalidRequestError({
    code: 'too_many_scoped_grants',
    status: 409,
    detail: `A customer has at most ${MOST_LIVE} grants for some models at once. This would be one more.`,
    hint: 'One of them has to be used up, to end or to be voided first; GET /v1/credits/grants shows them.',
  });
