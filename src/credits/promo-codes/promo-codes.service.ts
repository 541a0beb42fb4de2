import { Injectable } from '@nestjs/common';
import { NotFoundError } from '../../common/billing-error';
import { type Money, usd } from '../../common/money';
import { CustomersService } from '../../customers/customers.service';
import { DatabaseService } from '../../database/database.service';
import type { Tx } from '../../database/tx';
import { grantGiven } from '../../ledger/grant-entries';
import { accountOf, newGrantId, type NewGrant, priorityOf } from '../grant';
import { GrantsService } from '../grants.service';
import { ScopedGrants } from '../scoped-grants.service';
import { endOf, newPromoCode, type PromoCode, type PromoCodeRefusal, refusalOf } from './promo-code';

export interface NewPromoCode {
  /** In capitals; one that nobody can guess when left out. */
  readonly code?: string | undefined;
  readonly amount: Money;
  readonly cap: number;
  readonly validUntil: Date | null;
  readonly expiresDays: number | null;
  readonly priority?: number | undefined;
  readonly models: readonly string[] | null;
}

export type Redemption =
  | { readonly kind: 'redeemed'; readonly grantId: string }
  | { readonly kind: 'promo_code_already_redeemed'; readonly grantId: string }
  | { readonly kind: PromoCodeRefusal };

/** Codes, and who has redeemed them. */
@Injectable()
export class PromoCodes {
  constructor(
    private readonly database: DatabaseService,
    private readonly customers: CustomersService,
    private readonly grants: GrantsService,
    private readonly scoped: ScopedGrants,
  ) {}

  /** @returns `undefined` when there is such a code already. */
  async create(wanted: NewPromoCode): Promise<PromoCode | undefined> {
    const { code = newPromoCode(), amount, cap, validUntil, expiresDays, priority, models } = wanted;
    const grant: NewGrant = { class: 'promo', origin: 'code', originId: code, amount };
    const [row] = await this.database.query<PromoCodeRow>(
      `INSERT INTO promo_codes (code, atoms, cap, valid_until, expires_days, priority, models)
       VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT DO NOTHING RETURNING *`,
      [code, amount.atoms, cap, validUntil, expiresDays, priority ?? priorityOf(grant), models],
    );
    return row && toPromoCode(row);
  }

  /** Newest first; `before` is the last code of the page before. */
  async list(limit: number, before?: string): Promise<PromoCode[]> {
    const rows = await this.database.query<PromoCodeRow>(
      `SELECT * FROM promo_codes
        WHERE $2::text IS NULL OR (created_at, code) < (SELECT created_at, code FROM promo_codes WHERE code = $2)
        ORDER BY created_at DESC, code DESC LIMIT $1`,
      [limit, before ?? null],
    );
    return rows.map(toPromoCode);
  }

  /** From now on nobody may redeem it; what it gave stays. Safe to repeat. @throws NotFoundError `promo_code_not_found` */
  async end(code: string): Promise<PromoCode> {
    const [row] = await this.database.query<PromoCodeRow>(
      'UPDATE promo_codes SET ended_at = coalesce(ended_at, now()) WHERE code = $1 RETURNING *',
      [code],
    );
    if (!row) throw new NotFoundError({ what: 'promo code', id: code });
    return toPromoCode(row);
  }

  /**
   * Gives the customer what the code gives. Whoever redeems the same code waits meanwhile: its cap is never passed.
   * @throws NotFoundError `customer_not_found`, `promo_code_not_found`; InvalidRequestError `too_many_scoped_grants`
   */
  async redeem(customerId: string, code: string): Promise<Redemption> {
    await this.customers.get(customerId);
    // Looked at before, so that a refusal leaves no account of a grant that never was; decided under the lock.
    const first = await look(this.database, customerId, code);
    if (first.kind !== 'redeemable') return first;
    const { amount, priority, models } = first.promoCode;
    await this.scoped.assertRoom(this.database, customerId, models === null ? 0 : 1);
    const id = newGrantId();
    const grant: NewGrant = {
      id,
      class: 'promo',
      origin: 'code',
      originId: `${code}:${customerId}`,
      amount,
      priority,
      models,
    };
    await this.grants.prepare(customerId, [grant]);
    return this.database.transaction(async (tx) => {
      // The code before the accounts: nobody who has an account locked asks for a code.
      const found = await look(tx, customerId, code, 'FOR NO KEY UPDATE');
      if (found.kind !== 'redeemable') return found;
      const account = accountOf({ id, customerId, models });
      const entry = grantGiven({ because: `code:${grant.originId}`, account, class: 'promo', amount, reason: code });
      const expiresAt = endOf(found.promoCode, found.now);
      await this.grants.arrive(tx, entry, { customerId, grants: [{ ...grant, expiresAt }] });
      await tx.query('UPDATE promo_codes SET redeemed = redeemed + 1 WHERE code = $1', [code]);
      await tx.query('INSERT INTO promo_redemptions (code, customer_id, grant_id) VALUES ($1, $2, $3)', [
        code,
        customerId,
        id,
      ]);
      return { kind: 'redeemed', grantId: id };
    });
  }
}

type Look =
  | Exclude<Redemption, { kind: 'redeemed' }>
  | { readonly kind: 'redeemable'; readonly promoCode: PromoCode; readonly now: Date };

/** What a code would give this customer now. @throws NotFoundError `promo_code_not_found` */
async function look(tx: Tx, customerId: string, code: string, lock = ''): Promise<Look> {
  const [row] = await tx.query<PromoCodeRow & { now: Date }>(
    `SELECT *, clock_timestamp() AS now FROM promo_codes WHERE code = $1 ${lock}`,
    [code],
  );
  if (!row) throw new NotFoundError({ what: 'promo code', id: code });
  const [before] = await tx.query<{ grant_id: string }>(
    'SELECT grant_id FROM promo_redemptions WHERE code = $1 AND customer_id = $2',
    [code, customerId],
  );
  if (before) return { kind: 'promo_code_already_redeemed', grantId: before.grant_id };
  const promoCode = toPromoCode(row);
  const refusal = refusalOf(promoCode, row.now);
  return refusal === undefined ? { kind: 'redeemable', promoCode, now: row.now } : { kind: refusal };
}

interface PromoCodeRow {
  code: string;
  atoms: bigint;
  cap: number;
  redeemed: number;
  valid_until: Date | null;
  expires_days: number | null;
  priority: number;
  models: string[] | null;
  created_at: Date;
  ended_at: Date | null;
}

const toPromoCode = (row: PromoCodeRow): PromoCode => ({
  code: row.code,
  amount: usd(row.atoms),
  cap: row.cap,
  redeemed: row.redeemed,
  validUntil: row.valid_until,
  expiresDays: row.expires_days,
  priority: row.priority,
  models: row.models,
  createdAt: row.created_at,
  endedAt: row.ended_at,
});
