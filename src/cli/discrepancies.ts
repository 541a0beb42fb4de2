import { formatMoney } from '../common/money';
import type { SideName } from '../common/reconciliation-side';
import { type Discrepancy, DISCREPANCY_STATES, type DiscrepancyState } from '../reconciliation/discrepancy';
import { toDiscrepancyDto } from '../reconciliation/discrepancies.dto';
import { DiscrepancyStore } from '../reconciliation/discrepancy-store.service';
import { SIDE_NAMES } from '../reconciliation/reconciliation-run';
import { Resolutions } from '../reconciliation/resolutions.service';
import { withApplication } from './application-context';
import { type Command, type Given, UsageError } from './command';
import { JSON_OPTION, printJson, printLine, printRows } from './output';

/** `tollbridge discrepancies list` */
export const listDiscrepancies: Command = {
  options: {
    state: { value: 'STATE', about: `One of ${DISCREPANCY_STATES.join(', ')}; open when left out` },
    side: { value: 'SIDE', about: `Only ${SIDE_NAMES.join(', ')}` },
    limit: { value: 'N', about: 'At most so many; 100 when left out' },
    after: { value: 'ID', about: 'The last id of the page before' },
    json: JSON_OPTION,
  },
  notes: ['AMOUNT is what the other side has more than the books; negative: less.'],
  run: async (given) => {
    const filter = {
      state: wordIn<DiscrepancyState>(given, 'state', DISCREPANCY_STATES) ?? 'open',
      side: wordIn<SideName>(given, 'side', SIDE_NAMES),
      after: given.text('after'),
    };
    const limit = given.integer('limit', 1, 1000) ?? 100;
    await withApplication(async (app) => {
      const found = await app.get(DiscrepancyStore, { strict: false }).list(filter, limit);
      printRows(given, HEAD, found.map(rowOf), found.map(shown));
    });
  },
};

/** `tollbridge discrepancies resolve` */
export const resolveDiscrepancy: Command = {
  positionals: ['id'],
  options: {
    reason: { value: 'TEXT', about: 'For whoever reads the books later', required: true },
    by: { value: 'NAME', about: 'Who says so', required: true },
    from: { value: 'ACCOUNT', about: 'The account that is debited' },
    to: { value: 'ACCOUNT', about: 'The account that is credited' },
    amount: { value: 'AMOUNT', about: 'What the discrepancy is about, without its sign' },
    waive: { about: 'No entry: it stays a difference that is known' },
    json: JSON_OPTION,
  },
  notes: [
    'Where the other side has more, --from is the account that is kept there (stripe:clearing); where it has less, --to is.',
    'An account that is not allowed is refused with a list of those that are.',
  ],
  run: async (given) => {
    const resolution = { reason: given.required('reason'), by: given.required('by'), entry: entryIn(given) };
    await withApplication(async (app) => {
      const id = given.argument('id');
      const resolved = await app.get(Resolutions, { strict: false }).resolve(id, resolution);
      const entry = resolved.resolution?.entry;
      if (given.flag('json')) printJson(shown(resolved));
      else printLine(entry ? `${id} is resolved by entry ${entry.id}.` : `${id} is waived.`);
    });
  },
};

function entryIn(given: Given): { from: string; to: string; amount: string } | undefined {
  const [from, to, amount] = [given.text('from'), given.text('to'), given.text('amount')];
  if (given.flag('waive')) {
    if (from === undefined && to === undefined && amount === undefined) return undefined;
    throw new UsageError('--waive takes no --from, --to and --amount.');
  }
  if (from === undefined || to === undefined || amount === undefined) {
    throw new UsageError('Name --from, --to and --amount, or --waive.');
  }
  if (!/^\d{1,15}(\.\d{1,9})?$/.test(amount)) throw new UsageError(`--amount is a plain decimal, not "${amount}".`);
  return { from, to, amount };
}

function wordIn<Word extends string>(given: Given, option: string, known: readonly Word[]): Word | undefined {
  const text = given.text(option);
  const word = known.find((one) => one === text);
  if (text !== undefined && word === undefined) {
    throw new UsageError(`--${option} knows ${known.join(', ')}, not "${text}".`);
  }
  return word;
}

const shown = (one: Discrepancy) => toDiscrepancyDto(one, new Date());

const HEAD = ['ID', 'STATE', 'SIDE', 'KIND', 'REF', 'AMOUNT', 'ASSET', 'SINCE', 'MOST LIKELY, OR WHY'];

const rowOf = (one: Discrepancy) => [
  ...[one.id, one.state, one.side, one.kind, one.ref, formatMoney(one.amount), one.amount.asset, one.since],
  one.resolution?.reason ?? one.suggestedCause,
];
