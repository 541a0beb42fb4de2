import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { newId } from '../../src/common/id';
import type { LedgerOperation } from '../../src/ledger/ledger-operation';
import { startTemporaryPostgres } from '../../src/local/postgres';
import { migrate } from '../support/app';
import { brokenInvariants } from '../support/invariants';
import { openWriter } from '../support/ledger-writers';

const RUNS = Number(process.env['LEDGER_RUNS'] ?? 100);
const SEED = Number(process.env['LEDGER_SEED'] ?? Date.now() % 1_000_000);

/** Whatever has a meaning to an array literal, to JSON or to a terminal, in any mixture. */
const NASTY = [
  '"',
  '\\',
  '{',
  '}',
  ',',
  'NULL',
  'null',
  '\n',
  '\r\n',
  '\t',
  '',
  ' ',
  "'",
  '$1',
  '\\x00',
  '\\u0000',
  '💸',
];
const text = fc.oneof(
  fc.string({ unit: 'binary' }).map((any) => any.replaceAll('\0', '')),
  fc
    .array(fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'grapheme', maxLength: 3 })))
    .map((parts) => parts.join('')),
);
const memo = fc.dictionary(text, text, { noNullPrototype: true });
const content = fc.record({
  kind: text,
  before: text,
  after: text,
  customerId: fc.option(text),
  memo: fc.option(memo),
});

describe('texts on their way into the books', () => {
  let stop: () => Promise<void>;
  let replica: Awaited<ReturnType<typeof openWriter>>;
  let accounts: string[] = [];

  beforeAll(async () => {
    const postgres = await startTemporaryPostgres();
    await migrate(postgres.ownerUrl, postgres.url);
    replica = await openWriter(postgres.url);
    stop = () => replica.stop().then(() => postgres.stop());
    accounts = (
      await ask(
        `INSERT INTO ledger_accounts (code, asset, guarded) VALUES ('a', 'USD', false), ('b', 'USD', false) RETURNING id`,
      )
    ).map(({ id }) => id.toString());
  });
  afterAll(() => stop?.());

  const ask = (sql: string, parameters?: unknown[]) => replica.database.query<any>(sql, parameters);
  const post = (key: string, more: Partial<LedgerOperation['entry']> = {}, customerId: string | null = null) => {
    const [debit = '', credit = ''] = accounts;
    const movements = [{ debit, credit, overflow: debit, asset: 'USD', atoms: 1n }];
    return { op: 'post' as const, customerId, entry: { key, hash: 'ab'.repeat(16), kind: 'k', movements, ...more } };
  };

  it(`arrive as they were sent (seed ${SEED})`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(content, { minLength: 1, maxLength: 5 }), async (contents) => {
        const sent = contents.map(({ before, after, ...rest }) => ({ key: `${before}${newId()}${after}`, ...rest }));
        const verdicts = await replica.decide(
          sent.map(({ key, kind, customerId, memo: noted }) =>
            post(key, noted === null ? { kind } : { kind, memo: noted }, customerId),
          ),
        );
        expect(verdicts.map(({ verdict }) => verdict)).toEqual(sent.map(() => 'P'));
        const ids = verdicts.map(({ entry }) => entry);
        const rows = await ask(
          'SELECT key, kind, customer_id AS "customerId", memo FROM journal_entries WHERE id = ANY ($1::bigint[]) ORDER BY id',
          [ids],
        );
        expect(rows).toEqual(sent);
      }),
      { numRuns: RUNS, seed: SEED },
    );
    expect(await brokenInvariants(ask)).toEqual([]);
  });

  it.each(['', 'NULL', '{}', '""', '\\', '{"a":1}'])('also as a whole key: %j', async (key) => {
    const [first] = await replica.decide([post(key)]);
    const [again] = await replica.decide([post(key)]);
    expect([first?.verdict, again?.verdict, again?.entry]).toEqual(['P', 'A', first?.entry]);
  });

  it.each([
    ['key', post('a\0b')],
    ['kind', post(newId(), { kind: '\0' })],
    ['memo', post(newId(), { memo: { note: 'a\0' } })],
    ['memo', post(newId(), { memo: { 'a\0': 'note' } })],
    ['customerId', post(newId(), {}, 'cus_\0')],
    ['key', post('half of a pair: \ud83d')],
    ['memo', post(newId(), { memo: { note: '\udcb8' } })],
  ])('that cannot be stored are refused in words, and harm only their own: %s', async (field, poisoned) => {
    const { movements } = post('').entry;
    const operation = { ...poisoned, entry: { ...poisoned.entry, movements } };
    const neighbours = [post(newId()), post(newId())] as const;
    const [left, refused, right] = await Promise.allSettled(
      [neighbours[0], operation, neighbours[1]].map((one) => replica.writer.submit(one)),
    );
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'ledger_text_not_storable', status: 400 } });
    expect((refused as PromiseRejectedResult).reason.detail).toContain(field);
    expect([left, right]).toMatchObject([{ value: { verdict: 'P' } }, { value: { verdict: 'P' } }]);
  });

  it('that PostgreSQL alone knows not to fit poison nobody else', async () => {
    const tooLong = post(randomBytes(8_000).toString('hex'));
    const results = await Promise.allSettled(
      [post(newId()), tooLong, post(newId())].map((one) => replica.writer.submit(one)),
    );
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await brokenInvariants(ask)).toEqual([]);
  });
});
