import { Injectable } from '@nestjs/common';
import { NotFoundError } from '../common/billing-error';
import { type Money, usd } from '../common/money';
import { justAfter } from '../common/period';
import { DatabaseService } from '../database/database.service';
import { inIndexOrder } from '../ledger/index-order';
import type { CreditGrant } from './grant';
import { CREDIT_AT, type CreditAtRow, GRANTS_LEFT_AT } from './left-at';

/** A grant as it was at an instant. */
export interface PastGrant extends Pick<
  CreditGrant,
  'id' | 'class' | 'origin' | 'originId' | 'models' | 'priority' | 'expiresAt' | 'createdAt'
> {
  readonly amount: Money;
  /** Not used and not ended, `frozen` with it. */
  readonly left: Money;
  readonly frozen: Money;
  readonly state: 'active' | 'used' | 'expired' | 'voided';
}

export interface PastCredit {
  readonly at: Date;
  readonly paid: Money;
  readonly promo: Money;
  /** Used beyond all grants; above zero only for a customer with a credit limit. */
  readonly uncovered: Money;
  readonly grants: readonly PastGrant[];
}

export interface PastQuery {
  /** Left out: now, by the database's clock. */
  readonly at?: Date | undefined;
  /** Also grants of which nothing was left. */
  readonly all?: boolean;
  readonly limit?: number;
  /** Those that came before the grant with this id. */
  readonly before?: string | undefined;
  /** Only this. */
  readonly id?: string;
}

/** What was left of customers' grants at any instant, from the movements of grants and the books. Writes nothing. */
@Injectable()
export class GrantHistory {
  constructor(private readonly database: DatabaseService) {}

  /** With everything dated `at` or before. Grants newest first; the sums are of all of them. */
  at(customerId: string, query: PastQuery = {}): Promise<PastCredit> {
    const { at, all = false, limit = null, before = null, id = null } = query;
    return inIndexOrder(this.database, async (tx) => {
      const [clock] = await tx.query<{ now: Date }>(NOW);
      const instant = at ?? (clock as { now: Date }).now;
      const bound = justAfter(instant);
      const rows = await tx.query<GrantRow>(GRANTS_LEFT_AT, [bound, customerId, all, limit, before, id]);
      const [sums] = await tx.query<CreditAtRow>(CREDIT_AT, [bound, customerId]);
      const { paid, paid_ended, promo, promo_ended, uncovered } = sums as CreditAtRow;
      return {
        at: instant,
        paid: usd(paid - paid_ended),
        promo: usd(promo - promo_ended),
        uncovered: usd(uncovered),
        grants: rows.map(toPastGrant),
      };
    });
  }

  /** As it is now. @throws NotFoundError `grant_not_found` */
  async one(customerId: string, id: string): Promise<PastGrant> {
    const { grants } = await this.at(customerId, { id, all: true });
    if (!grants[0]) throw new NotFoundError({ what: 'grant', id });
    return grants[0];
  }
}

/** The millisecond that is not over yet: what was written until now is before its end. */
const NOW = `SELECT date_trunc('milliseconds', clock_timestamp()) + interval '1 millisecond' AS now`;

interface GrantRow {
  id: string;
  class: CreditGrant['class'];
  origin: CreditGrant['origin'];
  origin_id: string;
  models: string[] | null;
  priority: number;
  atoms: bigint;
  left_atoms: bigint;
  frozen: bigint;
  ends_at: Date | null;
  created_at: Date;
  has_ended: boolean | null;
  is_voided: boolean;
}

const toPastGrant = (row: GrantRow): PastGrant => ({
  id: row.id,
  class: row.class,
  origin: row.origin,
  originId: row.origin_id,
  models: row.models,
  priority: row.priority,
  amount: usd(row.atoms),
  left: usd(row.left_atoms),
  frozen: usd(row.frozen),
  expiresAt: row.ends_at,
  createdAt: row.created_at,
  state: stateOf(row),
});

function stateOf({ is_voided, has_ended, left_atoms }: GrantRow): PastGrant['state'] {
  if (has_ended === true) return is_voided ? 'voided' : 'expired';
  return left_atoms > 0n ? 'active' : 'used';
}
