import { Client } from 'pg';
import { instantOf, newId } from '../../src/common/id';
import { APPLY_SQL, FLUSH_SQL } from '../../src/ledger/flush.client';
import { Forecast } from '../../src/ledger/forecast';
import { type LedgerOperation, parametersOf } from '../../src/ledger/ledger-operation';
import { startTemporaryPostgres } from '../../src/local/postgres';
import { migrate } from '../support/app';

const ROWS = 200_000;
/** What each function looks up, and the index that it must walk. */
const ACCOUNTS = /Index Scan using ledger_accounts_pkey on ledger_accounts/;
const HOLDS = /Index Scan using holds_pkey on holds/;
const KEYS = /Index Scan using journal_keys_pkey on journal_keys/;

/**
 * A plan that is made while a table is empty is kept for ever after, and a table that is scanned makes flushes ten
 * times slower: so the plans are asked for, from the first call on an empty database on.
 */
describe('what a flush looks up', () => {
  let stop: () => Promise<void>;
  let ownerUrl: string;
  const clients: Client[] = [];

  beforeAll(async () => {
    const postgres = await startTemporaryPostgres();
    ({ ownerUrl } = postgres);
    stop = () => postgres.stop();
    await migrate(postgres.ownerUrl, postgres.url);
  });
  afterAll(async () => {
    for (const client of clients) await client.end();
    await stop?.();
  });

  it('walks indexes in an empty database, in a full one with the same plans, and in a full one with new plans', async () => {
    const early = await open();
    await expectIndexes(early);
    await fill(early);
    await expectIndexes(early);
    await expectIndexes(await open());
  }, 120_000);

  /** A session that tells the plan of every statement inside the functions. */
  async function open(): Promise<Client> {
    const client = new Client({ connectionString: ownerUrl });
    clients.push(client);
    await client.connect();
    await client.query(`LOAD 'auto_explain'`);
    await client.query('SET auto_explain.log_min_duration = 0');
    await client.query('SET auto_explain.log_nested_statements = on');
    return client;
  }

  async function expectIndexes(client: Client): Promise<void> {
    const [customer, house] = await twoAccounts(client);
    const apply = (...operations: LedgerOperation[]) =>
      plansOf(client, APPLY_SQL, new Forecast(operations).parameters());
    const flush = (...operations: LedgerOperation[]) => plansOf(client, FLUSH_SQL, parametersOf(operations));
    const credit = post(house, customer);
    const id = newId();
    for (const plans of [await apply(credit), await flush(credit)]) expect(plans).toMatch(ACCOUNTS);
    expect(await flush(post(house, customer))).toMatch(KEYS);
    expect(await apply(hold(id, customer))).toMatch(ACCOUNTS);
    expect(await apply(capture(id, customer, house))).toMatch(HOLDS);
    const decided = await flush(hold(newId(), customer), capture(id, customer, house));
    for (const index of [ACCOUNTS, HOLDS]) expect(decided).toMatch(index);
    const released = newId();
    await apply(hold(released, customer));
    expect(await flush({ op: 'release', customerId: null, hold: reference(released, customer) })).toMatch(HOLDS);
  }
});

/** The plans of all statements that ran, none of which may scan a table of the books. */
async function plansOf(client: Client, sql: string, parameters: unknown[]): Promise<string> {
  const told: string[] = [];
  const listen = ({ message }: { message?: string | undefined }) => void told.push(message ?? '');
  client.on('notice', listen);
  await client.query('SET client_min_messages = log');
  await client.query(sql, parameters);
  await client.query('SET client_min_messages = notice');
  client.off('notice', listen);
  const plans = told.join('\n');
  expect(plans).toMatch(/Query Text/);
  expect(plans).not.toMatch(/Seq Scan on (?!pg_)|holds_open|Hash Join|Merge Join/);
  return plans;
}

/** As many accounts, keys and closed holds as a busy day leaves, and nothing known of them: no ANALYZE. */
async function fill(client: Client): Promise<void> {
  await client.query('SET session_replication_role = replica');
  await client.query(
    `INSERT INTO ledger_accounts (code, asset, guarded) SELECT 'bulk:' || n, 'USD', true FROM generate_series(1, ${ROWS}) n`,
  );
  await client.query(
    `INSERT INTO journal_keys SELECT 'bulk:' || n, gen_random_uuid(), n FROM generate_series(1, ${ROWS}) n`,
  );
  await client.query(
    `INSERT INTO holds SELECT gen_random_uuid(), 1, NULL, 1, 'released', now(), now(), now() FROM generate_series(1, ${ROWS})`,
  );
  await client.query('SET session_replication_role = origin');
}

async function twoAccounts(client: Client): Promise<[string, string]> {
  const { rows } = await client.query<{ id: bigint }>(
    `INSERT INTO ledger_accounts (code, asset, guarded)
     SELECT gen_random_uuid()::text, 'USD', guarded FROM (VALUES (true), (false)) v(guarded) RETURNING id`,
  );
  return [String(rows[0]?.id), String(rows[1]?.id)];
}

const reference = (id: string, account: string) => ({ id, account, atoms: 10n });

const hold = (id: string, account: string): LedgerOperation => ({
  op: 'hold',
  customerId: null,
  hold: { ...reference(id, account), opens: { at: instantOf(id).toISOString(), until: '2100-01-01T00:00:00Z' } },
});

const entry = (debit: string, credit: string, atoms: bigint) => ({
  key: newId(),
  hash: '0'.repeat(32),
  kind: 'test',
  movements: [{ debit, credit, overflow: debit, asset: 'USD', atoms }],
});

const post = (from: string, to: string): LedgerOperation => ({
  op: 'post',
  customerId: null,
  entry: entry(from, to, 100n),
});

const capture = (id: string, from: string, to: string): LedgerOperation => ({
  op: 'capture',
  customerId: null,
  hold: reference(id, from),
  entry: entry(from, to, 10n),
});
