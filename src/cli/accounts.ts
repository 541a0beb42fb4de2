import { ASSETS, type AssetCode } from '../common/asset';
import { formatMoney } from '../common/money';
import { parseInstant, parsePeriod } from '../common/period';
import { AccountHistoryService, type DatedBy, type StatementLine } from '../ledger/account-history.service';
import { CorrectionsService } from '../ledger/corrections.service';
import { decodeCursor } from '../ledger/statement-cursor';
import { withApplication } from './application-context';
import { type Command, type Given, type Option, UsageError } from './command';
import { JSON_OPTION, printJson, printLine, printRows } from './output';

const ACCOUNT_OPTIONS: Readonly<Record<string, Option>> = {
  asset: { value: 'ASSET', about: 'USD (when left out) or USDC' },
  by: { value: 'DATE', about: 'posted (when left out) or effective' },
};

/** `tollbridge ledger balance` */
export const showBalance: Command = {
  positionals: ['account'],
  options: {
    ...ACCOUNT_OPTIONS,
    at: { value: 'INSTANT', about: 'Up to here, UTC; now when left out' },
    json: JSON_OPTION,
  },
  notes: ['<account> is a code such as customer:cus_…:credits; GET /admin/balances lists them.'],
  run: async (given) => {
    const account = accountIn(given);
    const by = dateIn(given);
    const instant = given.text('at');
    const at = instant === undefined ? new Date() : parseInstant(instant, 'at');
    await withApplication(async (app) => {
      const atoms = await app.get(AccountHistoryService).balanceAt(account, at, by);
      const balance = formatMoney({ asset: account.asset, atoms });
      if (given.flag('json')) printJson({ account: account.code, asset: account.asset, at, by, balance, atoms });
      else printLine(`${balance} ${account.asset}`);
    });
  },
};

/** `tollbridge ledger statement` */
export const showStatement: Command = {
  positionals: ['account'],
  options: {
    ...ACCOUNT_OPTIONS,
    from: { value: 'DATE', about: 'From here on, UTC; the first of this month when left out' },
    to: { value: 'DATE', about: 'Up to here and not further, UTC; the first of next month when left out' },
    limit: { value: 'N', about: 'At most so many lines; 100 when left out' },
    cursor: { value: 'CURSOR', about: '"next" of the page before' },
    json: JSON_OPTION,
  },
  run: async (given) => {
    const account = accountIn(given);
    const period = parsePeriod({ from: given.text('from'), to: given.text('to') }, new Date());
    const cursor = given.text('cursor');
    const after = cursor === undefined ? undefined : decodeCursor(cursor);
    const query = { ...period, by: dateIn(given), limit: given.integer('limit', 1, 10_000) ?? 100, after };
    await withApplication(async (app) => {
      const statement = await app.get(AccountHistoryService).statement(account, query);
      if (given.flag('json')) return printJson({ ...account, ...period, by: query.by, ...statement });
      const decimal = (atoms: bigint) => formatMoney({ asset: account.asset, atoms });
      printLine(`${account.code} in ${account.asset}, by ${query.by} date: opening ${decimal(statement.opening)}`);
      const row = (line: StatementLine) => [
        ...[line.entryId, query.by === 'posted' ? line.postedAt : line.effectiveAt, line.kind, line.counterparty],
        ...[decimal(line.atoms), decimal(line.balance), line.corrects],
      ];
      const head = ['ENTRY', 'DATE', 'KIND', 'COUNTERPARTY', 'AMOUNT', 'BALANCE', 'CORRECTS'];
      printRows(given, head, statement.lines.map(row), []);
      printLine(`closing ${decimal(statement.closing)}`);
      if (statement.next !== null) printLine(`More: --cursor ${statement.next}`);
    });
  },
};

/** `tollbridge ledger correct` */
export const correctEntry: Command = {
  positionals: ['entry'],
  options: {
    reason: { value: 'TEXT', about: 'For whoever reads the books later', required: true },
    effective: { value: 'DATE', about: 'When it takes effect; now when left out' },
    json: JSON_OPTION,
  },
  notes: ['Once for each entry. What a call or a top-up has moved is given back by a refund.'],
  run: async (given) => {
    const id = given.argument('entry');
    if (!/^\d{1,18}$/.test(id)) throw new UsageError(`<entry> is the number of an entry, not "${id}".`);
    const correction = {
      entryId: BigInt(id),
      reason: given.required('reason'),
      effectiveAt: given.instant('effective'),
    };
    await withApplication(async (app) => {
      const entryId = await app.get(CorrectionsService).correct(correction);
      if (given.flag('json')) printJson({ entryId, corrects: id });
      else printLine(`Entry ${entryId} corrects entry ${id}.`);
    });
  },
};

function accountIn(given: Given): { code: string; asset: AssetCode } {
  const asset = given.text('asset') ?? 'USD';
  if (!Object.hasOwn(ASSETS, asset))
    throw new UsageError(`--asset knows ${Object.keys(ASSETS).join(', ')}, not "${asset}".`);
  return { code: given.argument('account'), asset: asset as AssetCode };
}

function dateIn(given: Given): DatedBy {
  const by = given.text('by') ?? 'posted';
  if (by === 'posted' || by === 'effective') return by;
  throw new UsageError(`--by knows posted, effective, not "${by}".`);
}
