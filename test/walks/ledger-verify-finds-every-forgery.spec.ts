import { usd } from '../../src/common/money';
import { chainHead, type ChainHead } from '../../src/ledger/chain-head';
import { DatabaseService } from '../../src/database/database.service';
import { stripeFeeCharged } from '../../src/ledger/entries';
import { LedgerService } from '../../src/ledger/ledger.service';
import { LedgerVerifyService } from '../../src/ledger/ledger-verify.service';
import { startTestApp, type TestApp } from '../support/app';
import { bookCreditCall } from '../support/books';
import { asOwner } from '../support/owner';
import { customerWith } from '../support/world';

const BOOKS = [
  'postings',
  'ledger_flushes',
  'ledger_chain',
  'ledger_accounts',
  'holds',
  'journal_keys',
  'usage_records',
];
const FEE = 7n;

/**
 * Somebody owns the database, knows the ledger well, and switches its triggers off. Whatever is forged must be found
 * and named; and what is forged so well that nothing disagrees any more, a head that was kept before still shows.
 */
describe('a forger who owns the tables', () => {
  let world: TestApp;
  let head: ChainHead;
  let fee: string;
  let call: string;

  beforeAll(async () => {
    world = await startTestApp({ JOBS_IN_PROCESS: 'false' });
    const { customerId, keyId } = await customerWith(world, 1_000_000n);
    for (const atoms of [11n, 13n]) await bookCreditCall(world, { customerId, keyId, atoms });
    fee = await chargeFee('pi_1');
    const { callId } = await bookCreditCall(world, { customerId, keyId, atoms: 17n });
    call = await entryOf(`memo ->> 'call' = '${callId}'`);
    await chargeFee('pi_2');
    for (const atoms of [19n, 23n]) await bookCreditCall(world, { customerId, keyId, atoms });
    head = (await chainHead(world.app.get(DatabaseService))) as ChainHead;
    const copies = BOOKS.map((table) => `CREATE TABLE kept.${table} AS TABLE ${table}`);
    await asOwner(world, 'CREATE SCHEMA kept', ...copies, REHASH);
  });
  afterAll(() => world?.stop());

  async function chargeFee(paymentIntentId: string): Promise<string> {
    const charge = stripeFeeCharged({ paymentIntentId, customerId: null, fee: usd(FEE) });
    const posted = await world.app.get(LedgerService).post(charge);
    return 'entryId' in posted ? posted.entryId : '';
  }

  async function entryOf(where: string): Promise<string> {
    const [row] = await world.app
      .get(DatabaseService)
      .query<{ id: bigint }>(`SELECT id FROM journal_entries WHERE ${where}`);
    return String(row?.id);
  }

  const forge = (...statements: string[]) =>
    asOwner(world, 'SET LOCAL session_replication_role = replica', ...statements);
  const undo = () =>
    forge(
      ...BOOKS.flatMap((table) => [
        `DELETE FROM ${table}`,
        `INSERT INTO ${table} OVERRIDING SYSTEM VALUE TABLE kept.${table}`,
      ]),
    );

  async function faults(): Promise<Record<string, string>> {
    const { checks } = await world.app.get(LedgerVerifyService).verify({ heads: [head] });
    return Object.fromEntries(
      checks.filter(({ ok }) => !ok).map((check) => [check.name, JSON.stringify(check.faults)]),
    );
  }

  it('finds everything in order before', async () => {
    expect(await faults()).toEqual({});
  });

  it('goes on where a run was interrupted, with what that one had found', async () => {
    const books = world.app.get(LedgerVerifyService);
    await forge(`UPDATE postings SET memo = '{}' WHERE entry_id = ${fee}`);
    const stop = new Error('as if killed');
    const interrupted = books.verify({
      onProgress: ({ step }) => {
        if (step !== 'chain') throw stop;
      },
    });
    await expect(interrupted).rejects.toBe(stop);
    await undo();
    const resumed = await books.verify();
    expect([resumed.resumedAt, resumed.checks.filter(({ ok }) => !ok).map(({ name }) => name)]).toEqual([
      head.seq,
      ['flush_digests'],
    ]);
    const [one, other] = await Promise.all([books.verify(), books.verify({ restart: true })]);
    expect([one, other]).toMatchObject([
      { ok: true, resumedAt: null },
      { ok: true, resumedAt: null },
    ]);
  });

  /** Moves every balance that a line of this account carries, from the entry on, and the account itself. */
  const shift = (account: string, from: () => string, by: bigint, credits: bigint, debits: bigint) => () => [
    `UPDATE postings SET credit_balance_after = credit_balance_after + ${by}
      WHERE credit_account_id = ${account} AND entry_id >= ${from()}`,
    `UPDATE postings SET debit_balance_after = debit_balance_after + ${by}
      WHERE debit_account_id = ${account} AND entry_id >= ${from()}`,
    `UPDATE ledger_accounts SET credits_posted = credits_posted + ${credits}, debits_posted = debits_posted + ${debits}
      WHERE id = ${account}`,
  ];
  const FEES = `(SELECT id FROM ledger_accounts WHERE code = 'stripe:fees')`;
  const CLEARING = `(SELECT id FROM ledger_accounts WHERE code = 'stripe:clearing')`;
  /** As if the fee had been `by` more, everywhere but in the digests. */
  const anotherFee = (by: bigint) => [
    `UPDATE postings SET atoms = atoms + ${by} WHERE entry_id = ${fee}`,
    ...shift(FEES, () => fee, -by, 0n, by)(),
    ...shift(CLEARING, () => fee, by, by, 0n)(),
  ];
  /** As if it had never been, everywhere but in the chain. */
  const noFee = () => [
    `DELETE FROM postings WHERE entry_id = ${fee}`,
    `DELETE FROM journal_keys WHERE entry_id = ${fee}`,
    `DELETE FROM ledger_flushes WHERE id = ${fee} / 512`,
    ...shift(FEES, () => fee, FEE, 0n, -FEE)(),
    ...shift(CLEARING, () => fee, -FEE, -FEE, 0n)(),
  ];
  const renumbered = () => [
    `DELETE FROM ledger_chain WHERE flush_id = ${fee} / 512`,
    `UPDATE ledger_chain SET seq = seq - 1000000 WHERE flush_id > ${fee} / 512`,
    `UPDATE ledger_chain SET seq = seq + 999999 WHERE seq < 0`,
  ];
  /** A second fee in a flush of its own, or in the flush of the first. */
  const oneMore = (flush: string) => [
    `INSERT INTO postings (entry_id, line, posted_at, effective_at, kind, key, debit_account_id, credit_account_id, asset, atoms,
                           debit_balance_after, credit_balance_after)
     SELECT (${flush}) * 512 + 100, line, posted_at, effective_at, kind, 'forged', debit_account_id, credit_account_id, asset, atoms,
            debit_balance_after, credit_balance_after FROM postings WHERE entry_id = ${fee}`,
    `INSERT INTO journal_keys VALUES ('forged', gen_random_uuid(), (${flush}) * 512 + 100)`,
    ...shift(FEES, () => `(${flush}) * 512 + 100`, -FEE, 0n, FEE)(),
    ...shift(CLEARING, () => `(${flush}) * 512 + 100`, FEE, FEE, 0n)(),
  ];
  const LAST = '(SELECT max(seq) FROM ledger_chain)';

  it.each<[string, () => string[], string[], () => string]>([
    ['an amount, on both sides, with every balance since', () => anotherFee(1n), ['flush_digests'], () => fee],
    [
      'an amount, with its digest',
      () => [...anotherFee(1n), `SELECT kept.rehash(false)`],
      ['hash_chain'],
      () => `link `,
    ],
    [
      'an entry that is gone with its flush',
      () => noFee(),
      ['hash_chain', 'flush_digests'],
      () => `flush ${Number(fee) / 512}`,
    ],
    [
      'an entry that is gone with its link',
      () => [...noFee(), ...renumbered()],
      ['known_heads', 'hash_chain', 'flush_digests'],
      () => 'link ',
    ],
    [
      'an entry that was added to a flush',
      () => oneMore(`${fee} / 512`),
      ['flush_digests'],
      () => `flush ${Number(fee) / 512}`,
    ],
    [
      'an entry that was added beside all flushes',
      () => oneMore('900000'),
      ['account_balances', 'running_balances', 'postings_and_flushes', 'keys_and_entries'],
      () => String(900000 * 512 + 100),
    ],
    [
      'a link that is gone',
      () => [`DELETE FROM ledger_chain WHERE seq = 3`],
      ['hash_chain', 'account_balances', 'running_balances', 'postings_and_flushes', 'keys_and_entries'],
      () => 'link 4',
    ],
    [
      'the last link gone',
      () => [`DELETE FROM ledger_chain WHERE seq = ${LAST}`],
      ['known_heads', 'account_balances', 'running_balances', 'postings_and_flushes', 'keys_and_entries'],
      () => 'link ',
    ],
    [
      'a link with another hash',
      () => [`UPDATE ledger_chain SET hash = sha256('x') WHERE seq = 3`],
      ['hash_chain'],
      () => 'link 3',
    ],
    [
      'another digest',
      () => [`UPDATE ledger_flushes SET digest = sha256('x') WHERE id = ${fee} / 512`],
      ['hash_chain', 'flush_digests'],
      () => fee,
    ],
    [
      'a hold that was opened again',
      () => [
        `UPDATE holds SET state = 'open', entry_id = NULL, closed_at = NULL WHERE entry_id = ${call}`,
        `UPDATE ledger_accounts SET held = held + 1017 WHERE code LIKE 'customer:%:credits'`,
      ],
      ['keys_and_entries'],
      () => `entry ${call}`,
    ],
    [
      'a hold that names another entry',
      () => [`UPDATE holds SET entry_id = ${fee} WHERE entry_id = ${call}`],
      ['keys_and_entries'],
      () => fee,
    ],
    [
      'a key that names another entry',
      () => [`UPDATE journal_keys SET entry_id = ${call} WHERE entry_id = ${fee}`],
      ['keys_and_entries'],
      () => 'key stripe-fee:pi_1',
    ],
    [
      'a posting of another moment',
      () => [`UPDATE postings SET posted_at = posted_at + interval '1 microsecond' WHERE entry_id = ${fee}`],
      ['flush_digests', 'account_balances', 'running_balances', 'postings_and_flushes', 'keys_and_entries'],
      () => `posting of entry ${fee}`,
    ],
    [
      'an entry that is effective on another day',
      () => [`UPDATE postings SET effective_at = effective_at - interval '40 days' WHERE entry_id = ${fee}`],
      ['flush_digests'],
      () => fee,
    ],
    ['a memo', () => [`UPDATE postings SET memo = '{}' WHERE entry_id = ${fee}`], ['flush_digests'], () => fee],
    [
      'everything, consistently: only who kept a head can know',
      () => [...anotherFee(1n), `SELECT kept.rehash(true)`],
      ['known_heads'],
      () => head.hash,
    ],
  ])('is found with %s', async (_, forgery, names, named) => {
    await forge(...forgery());
    try {
      const found = await faults();
      expect(Object.keys(found)).toEqual(names);
      expect(Object.values(found).join('\n')).toContain(named());
    } finally {
      await undo();
    }
    expect(await faults()).toEqual({});
  });
});

/** What a forger would write: digests as `ledger_flush` makes them, and with `links` the chain over them as well. */
const REHASH = `
  CREATE FUNCTION kept.rehash(links boolean) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE link record; before bytea;
  BEGIN
    UPDATE ledger_flushes f SET digest = (
      SELECT sha256(convert_to(extract(epoch FROM f.posted_at) || string_agg(
               ROW(entry_id, line, kind, key, customer_id, debit_account_id, credit_account_id, asset, atoms, debit_balance_after,
                   credit_balance_after, memo, corrects,
                   CASE WHEN effective_at <> posted_at THEN extract(epoch FROM effective_at) END)::text,
               '' ORDER BY entry_id, line), 'UTF8'))
        FROM postings p WHERE p.entry_id / 512 = f.id);
    FOR link IN SELECT seq, hash, digest FROM ledger_chain LEFT JOIN ledger_flushes f ON f.id = flush_id ORDER BY seq LOOP
      IF links AND link.digest IS NOT NULL THEN
        UPDATE ledger_chain SET hash = sha256(before || link.digest) WHERE seq = link.seq;
        before := sha256(before || link.digest);
      ELSE
        before := link.hash;
      END IF;
    END LOOP;
  END $$`;
