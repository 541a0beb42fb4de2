import { encodeCsv } from '../common/csv';
import { formatMoney, type Money, usd } from '../common/money';
import type { Period } from '../common/period';
import type { GrantClass } from './grant';
import type { CreditAtRow } from './left-at';

/** Of one class of credit, from the start of a period to its end; by the dates on which entries were posted. In USD. */
export interface ClassRollForward {
  readonly class: GrantClass;
  readonly opening: Money;
  /** Brought by payments. */
  readonly sold: Money;
  /** Given: bonus, code, by hand. */
  readonly granted: Money;
  /** Refunds that failed, disputes that were won after all. */
  readonly returned: Money;
  /** By calls; also what a refund or a dispute took of other credit than its own. */
  readonly used: Money;
  readonly expired: Money;
  /** Taken back by refunds and lost disputes. */
  readonly refunded: Money;
  readonly voided: Money;
  /** opening + sold + granted + returned − used − expired − refunded − voided */
  readonly closing: Money;
  /** Of the closing: behind disputes. */
  readonly frozen: Money;
  /** Of the closing: it has ended, and is booked when its customer is next looked at. */
  readonly ended: Money;
}

/** The liability for prepaid credit. `paid.closing + promo.closing − uncovered.closing = ledger.closing`. */
export interface RollForward {
  readonly period: Period;
  readonly classes: readonly ClassRollForward[];
  /** Used beyond all grants, by customers with a credit limit: what they owe. */
  readonly uncovered: { readonly opening: Money; readonly closing: Money };
  /** The sum of all customers' credit accounts. */
  readonly ledger: { readonly opening: Money; readonly closing: Money };
}

/** What the movements of grants sum up to in the period. */
export interface MovedRow {
  readonly class: GrantClass;
  readonly what: 'sold' | 'granted' | 'returned' | 'consumed' | 'expired' | 'taken' | 'voided';
  readonly atoms: bigint;
}

/** @param opening,closing what was there just before the period began, and before it ended. */
export function rollForward(
  period: Period,
  opening: CreditAtRow,
  moved: readonly MovedRow[],
  closing: CreditAtRow,
): RollForward {
  const classes = (['paid', 'promo'] as const).map((each): ClassRollForward => {
    const sum = (what: MovedRow['what']) =>
      usd(moved.find((row) => row.class === each && row.what === what)?.atoms ?? 0n);
    return {
      class: each,
      opening: usd(opening[each]),
      sold: sum('sold'),
      granted: sum('granted'),
      returned: sum('returned'),
      // What no checkpoint had taken off yet, at either end of the period.
      used: usd(sum('consumed').atoms + closing[`${each}_borne`] - opening[`${each}_borne`]),
      expired: sum('expired'),
      refunded: sum('taken'),
      voided: sum('voided'),
      closing: usd(closing[each]),
      frozen: usd(closing[`${each}_frozen`]),
      ended: usd(closing[`${each}_ended`]),
    };
  });
  return {
    period,
    classes,
    uncovered: { opening: usd(opening.uncovered), closing: usd(closing.uncovered) },
    ledger: { opening: usd(opening.balance), closing: usd(closing.balance) },
  };
}

export const MONEY_COLUMNS = [
  ...(['opening', 'sold', 'granted', 'returned', 'used', 'expired', 'refunded', 'voided', 'closing'] as const),
  ...(['frozen', 'ended'] as const),
];

/** RFC 4180: a row per class, then what is not covered by any grant, and the ledger's own sums. */
export function rollForwardCsv({ period, classes, uncovered, ledger }: RollForward): string {
  const dates = [period.from.toISOString(), period.to.toISOString()];
  const edges = (name: string, { opening, closing }: { opening: Money; closing: Money }) => [
    ...[...dates, name],
    ...MONEY_COLUMNS.map((column) =>
      column === 'opening' ? formatMoney(opening) : column === 'closing' ? formatMoney(closing) : '',
    ),
  ];
  const rows = [
    ['from', 'to', 'class', ...MONEY_COLUMNS],
    ...classes.map((each) => [...dates, each.class, ...MONEY_COLUMNS.map((column) => formatMoney(each[column]))]),
    edges('uncovered', uncovered),
    edges('ledger', ledger),
  ];
  return encodeCsv(rows);
}
