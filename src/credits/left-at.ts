import { lastBefore } from '../ledger/statement-queries';

/*
 * What was left of grants just before an instant: what is left of them today, less what has moved since; and of that,
 * what calls had used by then and no checkpoint had taken off yet. That is the difference to the balance which the
 * account had then, and it is borne in the order of use, as a checkpoint at that instant would have found it
 * (`allocation.ts`, `inOrderOfUse`). $1 the instant, $2 the customer or null for all.
 *
 * A grant that had ended by then counts as ended, whether that is booked or not. What calls in flight held of it when
 * it ended, and may still have used, counts as ended as well.
 */
const LEFT_AT = `
  WITH later AS (
    SELECT grant_id, sum(CASE WHEN kind IN ('granted', 'returned') THEN m.atoms
                              WHEN kind IN ('frozen', 'thawed') THEN 0 ELSE -m.atoms END) AS gained,
           sum(CASE kind WHEN 'frozen' THEN m.atoms WHEN 'thawed' THEN -m.atoms ELSE 0 END) AS froze
      FROM grant_movements m JOIN credit_grants g ON g.id = grant_id
     WHERE at >= $1::timestamptz AND ($2::text IS NULL OR g.customer_id = $2) GROUP BY 1
  ), granted AS (
    SELECT g.*, remaining_atoms - coalesce(gained, 0) AS remaining, frozen_atoms - coalesce(froze, 0) AS frozen,
           CASE WHEN changed.grant_id IS NULL THEN g.expires_at ELSE changed.expires_at END AS ends_at
      FROM credit_grants g
      LEFT JOIN later ON later.grant_id = g.id
      LEFT JOIN LATERAL (SELECT * FROM grant_ends WHERE grant_id = g.id AND changed_at >= $1::timestamptz
                          ORDER BY changed_at LIMIT 1) changed ON true
     WHERE g.created_at < $1::timestamptz AND ($2::text IS NULL OR g.customer_id = $2)
  ), pools AS (
    SELECT a.id, coalesce(balance, 0) AS balance, coalesce(atoms, 0) - coalesce(balance, 0) AS used
      FROM ledger_accounts a
      LEFT JOIN (SELECT account_id, sum(remaining) AS atoms FROM granted GROUP BY 1) g ON account_id = a.id
      LEFT JOIN LATERAL (${lastBefore('a.id', '$1')}) last ON true
     WHERE asset = 'USD' AND guarded AND a.customer_id IS NOT NULL AND ($2::text IS NULL OR a.customer_id = $2)
  ), borne AS (
    SELECT granted.*, least(greatest(used - sum(usable) OVER turn + usable, 0), usable) AS borne
      FROM granted JOIN pools ON pools.id = account_id,
           LATERAL (SELECT greatest(remaining - frozen, 0) AS usable) u
    WINDOW turn AS (PARTITION BY account_id
                    ORDER BY priority, date_trunc('milliseconds', ends_at) NULLS LAST,
                             date_trunc('milliseconds', created_at), granted.id COLLATE "C"
                    ROWS UNBOUNDED PRECEDING)
  ), at_instant AS (
    SELECT borne.*, remaining - borne AS booked,
           CASE WHEN ends_at < $1::timestamptz THEN frozen ELSE remaining - borne END AS left_atoms
      FROM borne)`;

/** One row per grant, newest first. $3 also those of which nothing was left, $4 rows, $5 those before this id, $6 only this. */
export const GRANTS_LEFT_AT = `${LEFT_AT}
  SELECT id, class, origin, origin_id, models, priority, atoms, left_atoms::bigint, frozen::bigint, ends_at, created_at,
         ends_at < $1::timestamptz AS has_ended, coalesce(voided_at < $1::timestamptz, false) AS is_voided
    FROM at_instant WHERE ($3 OR left_atoms > 0) AND ($5::text IS NULL OR id < $5) AND id = coalesce($6, id) ORDER BY id DESC LIMIT $4`;

/**
 * One row: per class what was left by the books, how much of it was behind disputes, and how much had ended without
 * having been booked; what no grant could bear; and the balances of all these accounts.
 */
export const CREDIT_AT = `${LEFT_AT}
  SELECT ${['paid', 'promo']
    .flatMap((each) => [
      `coalesce(sum(booked) FILTER (WHERE class = '${each}'), 0)::bigint AS ${each}`,
      `coalesce(sum(frozen) FILTER (WHERE class = '${each}'), 0)::bigint AS ${each}_frozen`,
      `coalesce(sum(booked - left_atoms) FILTER (WHERE class = '${each}'), 0)::bigint AS ${each}_ended`,
      `coalesce(sum(borne) FILTER (WHERE class = '${each}'), 0)::bigint AS ${each}_borne`,
    ])
    .join(', ')},
         ((SELECT coalesce(sum(used), 0) FROM pools) - coalesce(sum(borne), 0))::bigint AS uncovered,
         (SELECT coalesce(sum(balance), 0) FROM pools)::bigint AS balance
    FROM at_instant`;

export interface CreditAtRow {
  readonly paid: bigint;
  readonly paid_frozen: bigint;
  readonly paid_ended: bigint;
  readonly paid_borne: bigint;
  readonly promo: bigint;
  readonly promo_frozen: bigint;
  readonly promo_ended: bigint;
  readonly promo_borne: bigint;
  readonly uncovered: bigint;
  readonly balance: bigint;
}
