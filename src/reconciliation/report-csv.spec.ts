import { parse } from 'csv-parse/sync';
import { usd } from '../common/money';
import { reportOf } from './report';
import { encodeReport } from './report-csv';
import { discrepancy, facts, outcome, resolved } from './report.fixture';

const rowsOf = (given: Parameters<typeof facts>[0]) =>
  parse<Record<string, string>>(encodeReport(reportOf(facts(given))), { columns: true, recordDelimiter: '\r\n' });

describe('the report as CSV', () => {
  it('has a row for each balance, each part of each total, and each discrepancy', () => {
    const rows = rowsOf({ open: [discrepancy()], waived: [{ ...resolved(null), id: 'dis_2' }] });
    expect(rows[0]).toMatchObject({
      ...{ record: 'balance', side: 'stripe', name: 'stripe:clearing', asset: 'USD' },
      ...{ ours: '100', theirs: '125', difference: '25', state: '' },
    });
    const totals = rows.filter(({ record, side }) => record === 'total' && side === 'stripe');
    expect(totals.map(({ name, difference }) => [name, difference])).toEqual([
      ['all balances', '25'],
      ['of open discrepancies', '25'],
      ['of waived discrepancies', '25'],
      ['resolved after the comparison', '0'],
      ['not explained', '-25'],
    ]);
    expect(rows.slice(-2)).toMatchObject([
      { record: 'discrepancy', name: 'transaction_unexplained', difference: '25', state: 'open', age_days: '3' },
      { discrepancy_id: 'dis_2', state: 'waived', resolved_by: 'Ada', reason: 'It was a test.' },
    ]);
  });

  it('lets no text become a formula, and leaves a negative number a number', () => {
    const balances = outcome('stripe', [['=A1', usd(3n), usd(1n)]]);
    const open = [discrepancy({ amount: usd(-2n), suggestedCause: '@SUM(A1)' })];
    const rows = rowsOf({ outcomes: [balances, outcome('chain'), outcome('books')], open });
    expect(rows[0]).toMatchObject({ name: "'=A1", difference: '-0.000000002' });
    expect(rows.at(-1)).toMatchObject({ suggested_cause: "'@SUM(A1)", difference: '-0.000000002' });
  });
});
