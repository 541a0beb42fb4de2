import { GrantsWorld } from './grants-world';
import type { PaybackWorld } from './payback-world';

/** What a life left behind, with nothing in it that another telling of the same history may have otherwise. */
export interface HistoryBooks {
  /** Posted since the beginning, by account. */
  readonly house: Record<string, bigint>;
  /** In the history's order: accounts, grants, and what became of payments. */
  readonly customers: readonly object[];
}

/** What Stripe says that we have there, in nano-USD, and which of its movements no entry explains. */
export interface StripeBooks {
  readonly atStripe: bigint;
  /** What banks have taken of that and have not decided about, in nano-USD. */
  readonly disputed: bigint;
  readonly unexplained: readonly string[];
  readonly payouts: readonly object[];
}

/** Nano-USD in a cent, at the rates of `TOPUP_CURRENCIES`. */
const ATOMS = { usd: 10_000_000n, eur: 10_800_000n };

/** Without breakage, which credit of an earlier life may still become. Without gas, which is booked when it is known, and converted at the rate of the day: what it costs is chance. */
export async function houseNow({ database }: PaybackWorld): Promise<Record<string, bigint>> {
  const rows = await database.query<{ code: string; posted: bigint }>(
    `SELECT concat_ws(' ', CASE code WHEN 'network:fees' THEN 'conversion' ELSE code END, nullif(asset, 'USD')) AS code,
            sum(credits_posted - debits_posted)::bigint AS posted FROM ledger_accounts
      WHERE customer_id IS NULL AND asset <> 'ETH' AND code <> 'revenue:breakage' GROUP BY 1`,
  );
  return Object.fromEntries(rows.map(({ code, posted }) => [code, posted]));
}

export async function booksOf(
  world: PaybackWorld,
  customerIds: readonly string[],
  before: Record<string, bigint>,
): Promise<HistoryBooks> {
  const customers = [];
  for (const customerId of customerIds) customers.push(await booksOfCustomer(world, customerId));
  const now = await houseNow(world);
  const moved = Object.entries(now).map(([code, posted]) => [code, posted - (before[code] ?? 0n)] as const);
  const house = Object.fromEntries(moved.filter(([, posted]) => posted !== 0n));
  return { house: { ...house, 'revenue:breakage': await breakageOf(world, customerIds) }, customers };
}

async function breakageOf({ database }: PaybackWorld, customerIds: readonly string[]): Promise<bigint> {
  const [row] = await database.query<{ posted: bigint }>(
    `SELECT coalesce(sum(CASE account.id WHEN credit_account_id THEN atoms ELSE -atoms END), 0)::bigint AS posted
       FROM postings JOIN ledger_accounts account ON account.id IN (debit_account_id, credit_account_id)
      WHERE code = 'revenue:breakage' AND postings.customer_id = ANY ($1)`,
    [customerIds],
  );
  return row?.posted ?? 0n;
}

export async function stripeOf({ stripe, database }: PaybackWorld): Promise<StripeBooks> {
  const { available, pending } = await stripe.balance.retrieve();
  const cents = [...available, ...pending].reduce((sum, { amount }) => sum + amount, 0);
  const movements = await stripe.balanceTransactions.list({ limit: 100 }).autoPagingToArray({ limit: 10_000 });
  const booked = await database.query<{ id: string }>(
    `SELECT id FROM stripe_transactions WHERE state = 'booked' AND id = ANY ($1::text[])`,
    [movements.map(({ id }) => id)],
  );
  const explained = new Set(booked.map(({ id }) => id));
  const disputes = await stripe.disputes.list({ limit: 100 }).autoPagingToArray({ limit: 10_000 });
  // One movement is a withdrawal, two are that and its return; who lost for good has paid for it.
  const undecided = disputes.filter(
    ({ status, balance_transactions: moved }) => moved.length === 1 && status !== 'lost',
  );
  return {
    atStripe: BigInt(cents) * ATOMS.usd,
    disputed: undecided.reduce(
      (sum, { amount, currency }) => sum + BigInt(amount) * ATOMS[currency as 'usd' | 'eur'],
      0n,
    ),
    unexplained: movements.filter(({ id }) => !explained.has(id)).map(({ type, net }) => `${type} ${net}`),
    payouts: await database.query(
      `SELECT state, automatic, amount_minor AS amount, difference_minor AS difference FROM payouts
        ORDER BY created_at, automatic, amount_minor`,
    ),
  };
}

async function booksOfCustomer(world: PaybackWorld, customerId: string): Promise<object> {
  const rows = (sql: string) => world.database.query<any>(sql, [customerId]);
  const grants = new GrantsWorld(world.app);
  const [grant] = await rows('SELECT id FROM credit_grants WHERE customer_id = $1 LIMIT 1');
  // Takes what was used since the last time off the grants.
  if (grant) await grants.left(grant.id);
  return {
    accounts: await rows(
      `SELECT replace(code, $1, '') AS code, credits_posted - debits_posted AS posted, held FROM ledger_accounts
        WHERE customer_id = $1 ORDER BY code`,
    ),
    grants: await rows(
      `SELECT class, origin, atoms, remaining_atoms AS remaining, frozen_atoms AS frozen,
              expires_at <= now() + interval '40 days' AS ends FROM credit_grants
        WHERE customer_id = $1 ORDER BY created_at, class, atoms`,
    ),
    topUps: await rows(`SELECT origin, atoms, tax_atoms AS tax, state FROM topups WHERE customer_id = $1 ORDER BY id`),
    payments: await rows(
      `SELECT p.gross_atoms AS gross, p.tax_atoms AS tax, p.fee_atoms AS fee, returned_atoms AS returned,
              returned_tax_atoms AS tax_back, voided_bonus_atoms AS bonus FROM stripe_payments p
         JOIN topups t ON t.id = topup_id WHERE customer_id = $1 ORDER BY t.id, 1, 2, 4`,
    ),
    refunds: await rows(
      `SELECT origin, gross_atoms AS gross, credit_atoms AS credit, tax_atoms AS tax, bonus_atoms AS bonus, state
         FROM refunds WHERE customer_id = $1 ORDER BY 1, 2, 3, 6`,
    ),
    disputes: await rows(
      `SELECT gross_atoms AS gross, phase, status, lost_gross_atoms AS lost FROM disputes WHERE customer_id = $1 ORDER BY 1, 2, 3`,
    ),
    usdc: await rows(
      `SELECT source, destination, atoms, owed_atoms AS owed, state FROM usdc_refunds
        WHERE wallet_id = $1 OR topped_up = $1 ORDER BY created_at`,
    ),
    reloads: await rows('SELECT atoms, state, reason FROM auto_reload_attempts WHERE customer_id = $1 ORDER BY id'),
  };
}
