import type { Tx } from './tx';

/** Columns, or `'all'` of them; what is left out is refused. */
interface Rights {
  readonly insert?: 'all' | readonly string[];
  readonly update?: 'all' | readonly string[];
  readonly delete?: 'all';
}

const EVERYDAY: Rights = { insert: 'all', update: 'all' };

/**
 * What the application's role may write. What is not named it may only read: the books (balances, holds, journal,
 * usage, invoices, with all their partitions) are written by database functions alone.
 * A new table that the application itself writes needs its line here.
 */
export const APPLICATION_RIGHTS: Readonly<Record<string, Rights>> = {
  customers: EVERYDAY,
  api_keys: EVERYDAY,
  models: EVERYDAY,
  prices: { insert: 'all' },
  claims: EVERYDAY,
  chain_signers: EVERYDAY,
  chain_transactions: EVERYDAY,
  chain_calls: EVERYDAY,
  reversed_transfers: EVERYDAY,
  chain_cursors: EVERYDAY,
  chain_transfers: { ...EVERYDAY, delete: 'all' },
  chain_bookings: EVERYDAY,
  channels: { ...EVERYDAY, delete: 'all' },
  channel_claims: EVERYDAY,
  channel_settlements: EVERYDAY,
  payment_identifiers: { ...EVERYDAY, delete: 'all' },
  commitments: EVERYDAY,
  resource_servers: EVERYDAY,
  withdrawals: EVERYDAY,
  usdc_refunds: EVERYDAY,
  facilitator_settlements: EVERYDAY,
  // Whose turn it is among a customer's credit; how much there is, the books say.
  credit_grants: EVERYDAY,
  credit_positions: EVERYDAY,
  grant_movements: { insert: 'all' },
  promo_codes: EVERYDAY,
  promo_redemptions: { insert: 'all' },
  balance_alerts: { ...EVERYDAY, delete: 'all' },
  topups: EVERYDAY,
  stripe_payments: EVERYDAY,
  stripe_events: EVERYDAY,
  stripe_transactions: EVERYDAY,
  // Money that goes back by card.
  refunds: EVERYDAY,
  disputes: EVERYDAY,
  fraud_warnings: EVERYDAY,
  // What Stripe pays out, and how far its events were swept.
  payouts: EVERYDAY,
  event_sweeps: EVERYDAY,
  stripe_event_failures: { ...EVERYDAY, delete: 'all' },
  clearing_cursors: EVERYDAY,
  stripe_unmatched_entries: { insert: 'all', delete: 'all' },
  auto_reload_rules: EVERYDAY,
  auto_reload_attempts: EVERYDAY,
  notifications: EVERYDAY,
  // What was compared with Stripe and the chains, and what did not match.
  reconciliation_runs: EVERYDAY,
  reconciliation_outcomes: EVERYDAY,
  discrepancies: EVERYDAY,
  jobs: { ...EVERYDAY, delete: 'all' },
  job_schedules: { ...EVERYDAY, delete: 'all' },
  // How far a proof has come, not what it proves: a proof that trusts nobody begins anew (--restart).
  verifications: { ...EVERYDAY, delete: 'all' },
  verification_accounts: { ...EVERYDAY, delete: 'all' },
  // An account is made empty. The right on `frozen` also allows FOR NO KEY UPDATE, which makes flushes wait.
  ledger_accounts: {
    insert: ['code', 'asset', 'customer_id', 'guarded'],
    update: ['frozen', 'next_expiry', 'watch_below', 'credit_limit'],
  },
  // What is held and spent of a budget is written with the books.
  budget_counters: {
    update: ['limit_atoms', 'hard'],
  },
  budgets: EVERYDAY,
};

/** Functions that run with their owner's rights and that the application may call: the only way into the books. */
export const APPLICATION_FUNCTIONS: readonly string[] = [
  'ledger_apply',
  'ledger_flush',
  'record_usage',
  'make_budget_counter',
  'ensure_partitions',
];

/** The role that owns the product's tables; `null` before the first migration. */
export async function ownerOf(tx: Tx): Promise<string | null> {
  const [row] = await tx.query<{ owner: string }>(
    `SELECT pg_get_userbyid(relowner) AS owner FROM pg_class WHERE oid = to_regclass('public.partitioned_tables')`,
  );
  return row?.owner ?? null;
}

/**
 * From now on `role` may read what the migrator makes, and nothing more: also the partitions that `ensure_partitions`
 * makes for the application, as their owner. Before the migrations, so that there is less to grant after them.
 */
export async function letReadNewTables(tx: Tx, role: string): Promise<void> {
  const [row] = await tx.query<{ quoted: string }>('SELECT quote_ident($1::text) AS quoted', [role]);
  await tx.query(`ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO ${row?.quoted}`);
}

/** Brings the rights of `role` to what is written above, whatever they were. Safe to repeat; `tx` is the owner's. */
export async function grantRights(tx: Tx, role: string): Promise<void> {
  // Not while partitions are made: both change the catalogue's rows of the same tables.
  await tx.query(`SELECT pg_advisory_xact_lock(hashtext('ensure_partitions'))`);
  const [found] = await tx.query<Found>(FIND, [role, APPLICATION_FUNCTIONS]);
  if (!found) return;
  const { quoted, tables, unsettled, definers, functions, database } = found;
  const named = Object.entries(APPLICATION_RIGHTS).filter(([table]) => tables.includes(`public.${table}`));
  const statements = [
    ...unsettled.flatMap((table) => [
      `REVOKE ALL ON ${table} FROM PUBLIC, ${quoted}`,
      `GRANT SELECT ON ${table} TO ${quoted}`,
    ]),
    ...named.map(([table, rights]) => `GRANT ${inSql(rights)} ON public.${table} TO ${quoted}`),
    ...definers.map((name) => `REVOKE ALL ON FUNCTION ${name} FROM PUBLIC, ${quoted}`),
    ...functions.map((name) => `GRANT EXECUTE ON FUNCTION ${name} TO ${quoted}`),
    ...database,
  ];
  await tx.query(statements.join(';\n'));
}

interface Found {
  readonly quoted: string;
  readonly tables: readonly string[];
  /** Tables on which it has another right than to read, or not that one, or on which PUBLIC has one. */
  readonly unsettled: readonly string[];
  readonly definers: readonly string[];
  readonly functions: readonly string[];
  readonly database: readonly string[];
}

/** What belongs to the owner of the tables, and what else the role lacks or has too much. */
const FIND = `
  WITH o AS (
    SELECT relowner AS owner FROM pg_class WHERE oid = to_regclass('public.partitioned_tables')
  ), tables AS (
    SELECT format('public.%I', relname) AS name,
           NOT has_table_privilege($1::name, oid, 'SELECT')
           OR EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee = 0)
           OR has_any_column_privilege($1::name, oid, 'INSERT, UPDATE, REFERENCES')
           OR has_table_privilege($1::name, oid, 'DELETE, TRUNCATE, TRIGGER') AS unsettled
      FROM pg_class JOIN o ON owner = relowner
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v')
  ), functions AS (
    SELECT proname, prosecdef, format('public.%I(%s)', proname, pg_get_function_identity_arguments(oid)) AS name
      FROM pg_proc JOIN o ON owner = proowner WHERE pronamespace = 'public'::regnamespace
  )
  SELECT quote_ident($1::text) AS quoted,
         ARRAY(SELECT name FROM tables) AS tables,
         ARRAY(SELECT name FROM tables WHERE unsettled) AS unsettled,
         ARRAY(SELECT name FROM functions WHERE prosecdef) AS definers,
         ARRAY(SELECT name FROM functions WHERE proname = ANY ($2)) AS functions,
         array_remove(ARRAY[
           CASE WHEN has_schema_privilege($1::name, 'public', 'CREATE')
                THEN format('REVOKE CREATE ON SCHEMA public FROM PUBLIC, %I', $1) END,
           CASE WHEN NOT has_schema_privilege($1::name, 'public', 'USAGE')
                THEN format('GRANT USAGE ON SCHEMA public TO %I', $1) END,
           CASE WHEN NOT has_database_privilege($1::name, current_database(), 'CONNECT')
                THEN format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), $1) END,
           CASE WHEN NOT has_database_privilege($1::name, current_database(), 'TEMPORARY')
                THEN format('GRANT TEMPORARY ON DATABASE %I TO %I', current_database(), $1) END
         ], NULL) AS database
    FROM o`;

const inSql = (rights: Rights): string =>
  Object.entries(rights)
    .map(([verb, columns]) => (columns === 'all' ? verb : `${verb} (${columns.join(', ')})`))
    .join(', ');
