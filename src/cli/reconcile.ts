import { writeFileSync } from 'node:fs';
import { formatMoney } from '../common/money';
import { timeOf } from '../common/page';
import type { SideName } from '../common/reconciliation-side';
import { ageInDays } from '../reconciliation/discrepancy';
import { Reconcile } from '../reconciliation/reconcile.service';
import { ReconciliationReport } from '../reconciliation/reconciliation-report.service';
import { ReconciliationRequests } from '../reconciliation/reconciliation-requests.service';
import { SIDE_NAMES } from '../reconciliation/reconciliation-run';
import { differenceOf, type Report } from '../reconciliation/report';
import { toReportDto } from '../reconciliation/report.dto';
import { encodeReport } from '../reconciliation/report-csv';
import { ReportAddresses } from '../reconciliation/report-addresses.service';
import { renderReportPage } from '../reconciliation/report-page';
import { withApplication } from './application-context';
import { type Command, CommandError, type Given, UsageError } from './command';
import { JSON_OPTION, printJson, printLine, tableOf } from './output';

/** Something does not match: another code than that of a command line that was not understood. */
const OPEN = 3;

/** `tollbridge reconcile` */
export const reconcile: Command = {
  options: {
    from: { value: 'DATE', about: 'From here on, UTC; since the last good run, at least a week, when left out' },
    to: { value: 'DATE', about: 'Up to here and not further, UTC; now when left out' },
    side: { value: 'SIDE', about: `Only ${SIDE_NAMES.join(', ')}`, multiple: true },
    page: { value: 'FILE', about: 'Write the report as a page for people, too' },
    'page-link': { about: 'Tell a link to that page, which a browser can open for 15 minutes' },
    csv: { about: 'Print CSV, for a spreadsheet' },
    json: JSON_OPTION,
  },
  notes: [
    'Exit code 0: everything matches; 3: something does not (see tollbridge discrepancies); 1: it failed; 2: not understood.',
    'How far it is goes to the standard error. One run at a time, wherever it was started; interrupted, start it again.',
  ],
  run: async (given) => {
    const sides = sidesIn(given);
    if (given.flag('csv') && given.flag('json')) throw new UsageError('--csv or --json, not both.');
    const report = await withApplication(async (app) => {
      const get = <Service>(service: new (...needed: never[]) => Service) => app.get(service, { strict: false });
      const wish = { from: given.text('from'), to: given.text('to'), sides };
      const request = await get(ReconciliationRequests).requestOf(wish);
      await get(Reconcile).run(request, (side, progress) => process.stderr.write(`${side}: ${progress}\n`));
      if (given.flag('page-link')) {
        const { url, expiresAt } = get(ReportAddresses).issue();
        process.stderr.write(`${url} shows the report until ${timeOf(expiresAt)}\n`);
      }
      return get(ReconciliationReport).of(sides);
    });
    const page = given.text('page');
    if (page !== undefined) writeFileSync(page, renderReportPage(report));
    print(given, report);
    if (report.verdict === 'failed') throw new CommandError(failureOf(report));
    if (report.verdict === 'open') throw new CommandError(differenceIn(report), OPEN);
  },
};

function sidesIn(given: Given): SideName[] {
  const wanted = given.all('side');
  const unknown = wanted.find((side) => !SIDE_NAMES.some((name) => name === side));
  if (unknown !== undefined) throw new UsageError(`--side knows ${SIDE_NAMES.join(', ')}, not "${unknown}".`);
  return SIDE_NAMES.filter((name) => wanted.length === 0 || wanted.includes(name));
}

function print(given: Given, report: Report): void {
  if (given.flag('json')) return printJson(toReportDto(report));
  if (given.flag('csv')) return void process.stdout.write(encodeReport(report));
  const rows = report.sides.flatMap(({ side, asked, totals }) => [
    ...(asked?.balances ?? []).map((one) => [
      ...[side, one.name, one.ours.asset, formatMoney(one.ours), formatMoney(one.theirs)],
      formatMoney({ ...one.ours, atoms: differenceOf(one) }),
    ]),
    ...totals.map(({ asset, unexplained }) => [
      ...[side, 'NOT EXPLAINED', asset, '', '', formatMoney({ asset, atoms: unexplained })],
    ]),
  ]);
  if (rows.length > 0) printLine(tableOf(['SIDE', 'BALANCE', 'ASSET', 'IN THE BOOKS', 'THERE', 'DIFFERENCE'], rows));
  for (const { side, asked, failed } of report.sides.filter((part) => part.failed)) {
    const last = asked ? `what is shown is of ${timeOf(asked.at)}` : 'it never was asked';
    printLine(`${side} could not be asked at ${timeOf(failed?.at ?? report.takenAt)}: ${last}.`);
  }
  if (report.open.length === 0) return printLine('No open discrepancies.');
  printLine('');
  const head = ['DISCREPANCY', 'SIDE', 'KIND', 'REF', 'AMOUNT', 'ASSET', 'DAYS', 'MOST LIKELY'];
  const open = report.open.map((one) => [
    ...[one.id, one.side, one.kind, one.ref, formatMoney(one.amount), one.amount.asset],
    ...[ageInDays(one, report.takenAt), one.suggestedCause],
  ]);
  printLine(tableOf(head, open));
}

const failureOf = ({ sides }: Report): string =>
  sides.flatMap(({ side, failed }) => (failed ? [`${side} could not be reconciled: ${failed.error}`] : [])).join('\n');

function differenceIn({ open, sides }: Report): string {
  const totals = sides.flatMap((part) => part.totals.map((total) => ({ side: part.side, ...total })));
  const unexplained = totals.filter((total) => total.unexplained !== 0n);
  return [
    ...(open.length === 0
      ? []
      : [
          `${open.length} open ${open.length === 1 ? 'discrepancy' : 'discrepancies'}: tollbridge discrepancies resolve <id>.`,
        ]),
    ...unexplained.map(
      ({ side, asset, unexplained: atoms }) => `${side}: ${formatMoney({ asset, atoms })} ${asset} are not explained.`,
    ),
  ].join('\n');
}
