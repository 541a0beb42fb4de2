import { encodeCsv, neutralise } from '../common/csv';
import { formatMoney } from '../common/money';
import { ageInDays, type Discrepancy } from './discrepancy';
import { differenceOf, type Report } from './report';

/**
 * The report as CSV (RFC 4180): a row for each balance, each total and each discrepancy, told apart by the first
 * column. Amounts are plain decimals; positive where the other side has more than the books.
 */
export function encodeReport(report: Report): string {
  const rows = [
    ...report.sides.flatMap(({ side, asked }) =>
      (asked?.balances ?? []).map((balance) => {
        const { asset } = balance.ours;
        const difference = formatMoney({ asset, atoms: differenceOf(balance) });
        const [ours, theirs] = [formatMoney(balance.ours), formatMoney(balance.theirs)];
        return cells({ record: 'balance', side, name: balance.name, asset, ours, theirs, difference });
      }),
    ),
    ...report.sides.flatMap(({ side, totals }) =>
      totals.flatMap(({ asset, ...parts }) =>
        Object.entries(parts).map(([part, atoms]) =>
          cells({
            record: 'total',
            side,
            name: TOTALS[part] ?? part,
            asset,
            difference: formatMoney({ asset, atoms }),
          }),
        ),
      ),
    ),
    ...[...report.open, ...report.waived].map((one) => cells(discrepancyCells(one, report.takenAt))),
  ];
  return encodeCsv([[...COLUMNS], ...rows]);
}

const COLUMNS = [
  ...['record', 'side', 'name', 'ref', 'asset', 'ours', 'theirs', 'difference', 'state', 'since', 'age_days'],
  ...['customer_id', 'suggested_cause', 'discrepancy_id', 'resolved_by', 'reason'],
] as const;

type Cells = Partial<Record<(typeof COLUMNS)[number], string | null>>;

/** Numbers stay numbers; every other text is one that somebody may have written. */
const EXACT: ReadonlySet<string> = new Set(['ours', 'theirs', 'difference', 'since', 'age_days']);

const TOTALS: Readonly<Record<string, string>> = {
  difference: 'all balances',
  open: 'of open discrepancies',
  waived: 'of waived discrepancies',
  resolvedSince: 'resolved after the comparison',
  unexplained: 'not explained',
};

const cells = (given: Cells): string[] =>
  COLUMNS.map((column) => {
    const text = given[column] ?? '';
    return EXACT.has(column) ? text : neutralise(text);
  });

const discrepancyCells = (one: Discrepancy, now: Date): Cells => ({
  record: 'discrepancy',
  side: one.side,
  name: one.kind,
  ref: one.ref,
  asset: one.amount.asset,
  difference: formatMoney(one.amount),
  state: one.state === 'resolved' ? 'waived' : one.state,
  since: one.since.toISOString(),
  age_days: ageInDays(one, now).toString(),
  customer_id: one.customerId,
  suggested_cause: one.suggestedCause,
  discrepancy_id: one.id,
  resolved_by: one.resolution?.by ?? null,
  reason: one.resolution?.reason ?? null,
});
