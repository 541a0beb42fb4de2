import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import type { AssetCode } from '../../src/common/asset';
import { neutralise } from '../../src/common/csv';
import { UsageTally } from '../../src/exports/manifest';
import { COLUMN_NAMES, costNano, encodeHeader, encodeRows, type UsageCsvRow } from '../../src/exports/usage-csv';

/** Anything that a person or a provider may call something, with what CSV and spreadsheets trip over. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({
    unit: fc.constantFrom('=', '+', '-', '@', '\t', '\r', '\n', '"', ',', ';', "'", ' ', '＝', '1', 'ü', '😀'),
  }),
);
/** The columns that somebody else has a say in; alone their cells may carry an apostrophe that is not of the value. */
const OTHERS_TEXTS: ReadonlySet<string> = new Set([
  'usage_id',
  'account_id',
  'account_name',
  'api_key_id',
  'api_key_name',
  'payer_address',
  'request_id',
  'endpoint',
  'provider',
  'model_requested',
  'model_served',
  'error_code',
  'payment_id',
  'tx_hash',
  'network',
  'invoice_id',
]);
/** What a spreadsheet may take for a formula, also in full width. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const nullable = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });
const count = nullable(fc.bigInt(0n, 2n ** 63n - 1n));
const atoms = fc.bigInt(0n, 2n ** 63n - 1n);
const int = nullable(fc.nat());

const row: fc.Arbitrary<UsageCsvRow> = fc.record({
  id: fc.uuid(),
  occurred_at: fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true }),
  customer_id: nullable(text),
  customer_name: nullable(text),
  api_key_id: nullable(text),
  api_key_name: nullable(text),
  payer_address: nullable(text),
  endpoint: text,
  provider: text,
  model_requested: text,
  model_served: nullable(text),
  status: fc.constantFrom('succeeded', 'interrupted', 'failed'),
  error_code: nullable(text),
  stream: fc.boolean(),
  input_tokens: count,
  cached_input_tokens: count,
  cache_write_tokens: count,
  output_tokens: count,
  reasoning_tokens: count,
  images: count,
  seconds: count,
  requests: count,
  usage_source: fc.constantFrom('provider', 'gateway_count', 'none'),
  price_version: int,
  asset: fc.constantFrom<AssetCode>('USD', 'USDC'),
  atoms,
  held_atoms: atoms,
  payment_id: nullable(text),
  tx_hash: nullable(text),
  network: nullable(text),
  invoice_id: nullable(text),
  entry_id: count,
  latency_ms: int,
  ttfb_ms: int,
});
const rows = fc.array(row, { maxLength: 20 });

const read = (csv: string): Record<string, string>[] => parse(csv, { columns: true, bom: true });
const written = (given: readonly UsageCsvRow[]) => read(encodeHeader(false) + encodeRows(given));

describe('usage CSV', () => {
  it('brings every text back as it was, apart from the apostrophe before a formula', () => {
    fc.assert(
      fc.property(rows, (given) => {
        const found = written(given);
        expect(found).toHaveLength(given.length);
        for (const [index, cells] of found.entries()) {
          const original = given[index] as UsageCsvRow;
          expect(cells['model_requested']).toBe(neutralise(original.model_requested));
          expect(cells['account_name']).toBe(neutralise(original.customer_name ?? ''));
          expect(cells['tx_hash']).toBe(neutralise(original.tx_hash ?? ''));
          const guarded = neutralise(original.model_requested);
          expect([original.model_requested, `'${original.model_requested}`]).toContain(guarded);
          expect(guarded !== original.model_requested).toBe(FORMULA.test(original.model_requested));
        }
      }),
    );
  });

  it('is a formula in no cell that anybody else wrote', () => {
    fc.assert(
      fc.property(rows, (given) => {
        for (const cells of written(given)) {
          for (const column of OTHERS_TEXTS) expect(cells[column]).not.toMatch(FORMULA);
        }
      }),
    );
  });

  it('keeps integers exact, unknown apart from zero, and numbers without an apostrophe', () => {
    fc.assert(
      fc.property(rows, (given) => {
        for (const [index, cells] of written(given).entries()) {
          const original = given[index] as UsageCsvRow;
          expect(cells['input_tokens']).toBe(original.input_tokens?.toString() ?? '');
          expect(cells['cost_nano']).toBe((original.atoms * (original.asset === 'USD' ? 1n : 1000n)).toString());
          const exact = Object.entries(cells).filter(([column]) => !OTHERS_TEXTS.has(column));
          for (const [, cell] of exact) expect(cell).not.toMatch(/^'/);
          expect(cells['cost']).toMatch(/^\d+(\.\d*[1-9])?$/);
        }
      }),
    );
  });

  it('would not take a number below zero for a formula', () => {
    const below = { atoms: -1n, held_atoms: -2n, input_tokens: -1n, entry_id: -1n, latency_ms: -1 };
    fc.assert(
      fc.property(row, (given) => {
        const [cells] = written([{ ...given, ...below }]);
        for (const column of ['cost', 'cost_nano', 'held', 'input_tokens', 'ledger_transaction_id', 'latency_ms']) {
          expect(cells?.[column]).toMatch(/^-[\d.]+$/);
        }
      }),
    );
  });

  it('adds up to its manifest, however it is cut into pieces', () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 20 }), (given, size) => {
        const whole = new UsageTally();
        whole.add(given, Buffer.from(encodeRows(given)));
        const pieces = new UsageTally();
        for (let at = 0; at < given.length; at += size) {
          const piece = given.slice(at, at + size);
          pieces.add(piece, Buffer.from(encodeRows(piece)));
        }
        const manifest = whole.finish();
        expect(pieces.finish()).toEqual(manifest);
        const cells = written(given);
        expect(BigInt(manifest.totalCostNano)).toBe(
          cells.reduce((sum, cell) => sum + BigInt(cell['cost_nano'] ?? ''), 0n),
        );
        expect(BigInt(manifest.totalCostNano)).toBe(given.reduce((sum, charge) => sum + costNano(charge), 0n));
        for (const total of manifest.totals) {
          const charges = given.filter(({ asset }) => asset === total.asset);
          expect(BigInt(total.atoms)).toBe(charges.reduce((sum, charge) => sum + charge.atoms, 0n));
        }
      }),
    );
  });

  it('has every line of the same width, in RFC 4180, for a reader that splits at CRLF outside of quotes', () => {
    fc.assert(
      fc.property(rows, (given) => {
        const strict = parse(encodeRows(given), { record_delimiter: '\r\n', relax_column_count: false });
        expect(strict.every((line) => line.length === COLUMN_NAMES.length)).toBe(true);
      }),
    );
  });
});
