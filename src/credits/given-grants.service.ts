import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { InvalidRequestError, NotFoundError } from '../common/billing-error';
import { newId } from '../common/id';
import { formatMoney, type Money, usd } from '../common/money';
import { CustomersService } from '../customers/customers.service';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import { giverOf, grantGiven, grantVoided } from '../ledger/grant-entries';
import type { LedgerAccount } from '../ledger/ledger-account';
import { LedgerAccountsService } from '../ledger/ledger-accounts.service';
import { freeOf, named } from './credit-pool';
import { CreditPools } from './credit-pools.service';
import { accountOf, type GrantClass, type GrantOrigin, type NewGrant, newGrantId, priorityOf } from './grant';
import { GrantsService } from './grants.service';
import { ScopedGrants } from './scoped-grants.service';

/** Credit that the operator gives. */
export interface GivenGrant {
  readonly customerId: string;
  readonly class: GrantClass;
  /** In USD, above zero. */
  readonly amount: Money;
  readonly priority?: number | undefined;
  readonly expiresAt: Date | null;
  /** Which models it pays for; `null` for all. */
  readonly models: readonly string[] | null;
  readonly reason: string;
}

/** Credit by the operator's hand: given, and taken back while it is not used. */
@Injectable()
export class GivenGrants {
  constructor(
    private readonly database: DatabaseService,
    private readonly customers: CustomersService,
    private readonly accounts: LedgerAccountsService,
    private readonly pools: CreditPools,
    private readonly grants: GrantsService,
    private readonly scoped: ScopedGrants,
  ) {}

  /**
   * @param idempotencyKey The same key gives once; a repeat returns the first grant's id.
   * @throws NotFoundError `customer_not_found`; InvalidRequestError `grant_ends_in_the_past`, `idempotency_key_reused`,
   *   `too_many_scoped_grants`
   */
  async give(given: GivenGrant, idempotencyKey: string = newId()): Promise<string> {
    const { customerId, amount, expiresAt, models, reason } = given;
    await this.customers.get(customerId);
    const originId = keyOf(idempotencyKey);
    const id = newGrantId();
    const grant: NewGrant = {
      ...{ id, class: given.class, origin: 'manual', originId, amount, expiresAt, models },
      ...(given.priority === undefined ? {} : { priority: given.priority }),
    };
    // A repeat leaves no account without a grant behind.
    const earlier = await findGiven(this.database, originId);
    if (earlier) return sameAs(earlier, grant, customerId);
    // Nor does a refusal.
    await this.scoped.assertRoom(this.database, customerId, models === null ? 0 : 1);
    const account = accountOf({ id, customerId, models });
    await this.prepare(account);
    return this.database.transaction(async (tx) => {
      // Copies of one request wait for each other; the keys of the ledger would refuse those that differ.
      await tx.query('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`grant:${originId}`]);
      const first = await findGiven(tx, originId);
      if (first) return sameAs(first, grant, customerId);
      if (expiresAt !== null && expiresAt <= new Date()) throw endsInThePast();
      const entry = grantGiven({ because: `manual:${originId}`, account, class: given.class, amount, reason });
      const { grantIds } = await this.grants.arrive(tx, entry, { customerId, grants: [grant] });
      return grantIds[0] as string;
    });
  }

  /**
   * Takes back what no call in flight may still use of a grant, and ends it: what those give back of it expires. Safe
   * to repeat. Only what was given: what was paid goes back by a refund.
   * @returns whose grant it is.
   * @throws NotFoundError `grant_not_found`; InvalidRequestError `grant_not_voidable`
   */
  async void(grantId: string, reason: string): Promise<string> {
    const [grant] = await this.database.query<GrantRow>('SELECT * FROM credit_grants WHERE id = $1', [grantId]);
    if (!grant) throw new NotFoundError({ what: 'grant', id: grantId });
    if (grant.class === 'paid' && grant.origin !== 'manual') throw notVoidable(grant.origin);
    const { customer_id: customerId, class: grantClass } = grant;
    const account = accountOf({ ...grant, customerId });
    await this.prepare(account);
    await this.database.transaction(async (tx) => {
      const pool = await this.pools.openAt(tx, account, [giverOf(grantClass)]);
      const open = await tx.query('SELECT FROM credit_grants WHERE id = $1 AND voided_at IS NULL', [grantId]);
      if (open.length === 0) return;
      const free = usd(freeOf(pool, named(pool, [grantId])));
      if (free.atoms > 0n) {
        const entry = grantVoided({ grantId, account, class: grantClass, amount: free, reason });
        await this.grants.take(tx, entry, { grantIds: [grantId], amount: free, as: 'voided' });
      }
      await tx.query(END, [grantId]);
      await this.pools.schedule(tx, pool.accountId, new Date());
    });
    return customerId;
  }

  private async prepare(account: LedgerAccount): Promise<void> {
    await this.grants.prepare(account.customerId as string);
    await this.accounts.idsOf([account, giverOf('paid'), giverOf('promo')]);
  }
}

/** An id of ours for a key of anybody's: whatever its characters and length. */
const keyOf = (idempotencyKey: string): string =>
  createHash('sha256').update(idempotencyKey).digest('hex').slice(0, 40);

const END = `
  UPDATE credit_grants SET voided_at = clock_timestamp(), expires_at = least(expires_at, clock_timestamp())
   WHERE id = $1`;

interface GrantRow {
  id: string;
  customer_id: string;
  class: GrantClass;
  origin: GrantOrigin;
  atoms: bigint;
  models: string[] | null;
  priority: number;
  /** As it was given. */
  expires_at: Date | null;
}

async function findGiven(tx: Tx, originId: string): Promise<GrantRow | undefined> {
  const [row] = await tx.query<GrantRow>(FIRST, [originId]);
  return row;
}

const FIRST = `
  SELECT g.id, g.customer_id, g.class, g.origin, g.atoms, g.models, g.priority,
         CASE WHEN first.grant_id IS NULL THEN g.expires_at ELSE first.expires_at END AS expires_at
    FROM credit_grants g
    LEFT JOIN LATERAL (SELECT * FROM grant_ends WHERE grant_id = g.id ORDER BY changed_at LIMIT 1) first ON true
   WHERE origin = 'manual' AND origin_id = $1`;

function sameAs(row: GrantRow, grant: NewGrant, customerId: string): string {
  const same =
    row.customer_id === customerId &&
    row.class === grant.class &&
    row.atoms === grant.amount.atoms &&
    row.priority === priorityOf(grant) &&
    JSON.stringify(row.models) === JSON.stringify(grant.models ?? null) &&
    row.expires_at?.getTime() === grant.expiresAt?.getTime();
  if (same) return row.id;
  throw new InvalidRequestError({
    code: 'idempotency_key_reused',
    status: 409,
    detail: `This Idempotency-Key gave a grant of ${formatMoney(usd(row.atoms))} USD on other terms.`,
    hint: 'Use a new key for another grant.',
  });
}

const endsInThePast = () =>
  new InvalidRequestError({
    code: 'grant_ends_in_the_past',
    detail: 'expiresAt must be in the future.',
    hint: 'Leave it out for credit that does not expire.',
  });

const notVoidable = (origin: GrantOrigin) =>
  new InvalidRequestError({
    code: 'grant_not_voidable',
    status: 409,
    detail: `This credit was paid for (${origin}).`,
    hint: 'Refund the top-up that brought it.',
  });
