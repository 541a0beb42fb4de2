import type { Period } from '../common/period';
import type { BudgetPeriod } from '../customers/spending';

/**
 * The day, week (from Monday) or month of the customer's calendar in which `instant` is. A day begins at the first
 * instant of its date, also where clocks skip midnight, and lasts 23 or 25 hours where they are changed.
 * @param zone An IANA name that `isTimeZone` knows.
 */
export function periodOf(instant: Date, period: BudgetPeriod, zone: string): Period {
  const name = `${zone} ${period}`;
  const last = latest.get(name);
  if (last && last.from <= instant && instant < last.to) return last;
  const [year = 0, month = 1, day = 1] = dateIn(zone, instant).split('-').map(Number);
  const [from, to] = BOUNDS[period](year, month - 1, day);
  const found = { from: beginningOf(from, zone), to: beginningOf(to, zone) };
  latest.set(name, found);
  return found;
}

/** Whether the runtime knows where this zone's days begin. */
export const isTimeZone = (name: string): boolean => name === 'UTC' || ZONES.has(name);

const ZONES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('timeZone'));

/** First date of the period and of the next, as milliseconds of that date in UTC: dates have no zone. */
const BOUNDS: Readonly<Record<BudgetPeriod, (year: number, month: number, day: number) => [number, number]>> = {
  day: (year, month, day) => [Date.UTC(year, month, day), Date.UTC(year, month, day + 1)],
  week: (year, month, day) => {
    const sinceMonday = (new Date(Date.UTC(year, month, day)).getUTCDay() + 6) % 7;
    return [Date.UTC(year, month, day - sinceMonday), Date.UTC(year, month, day - sinceMonday + 7)];
  },
  month: (year, month) => [Date.UTC(year, month, 1), Date.UTC(year, month + 1, 1)],
};

/** The last answer for each zone and period: nearly every question is about now. As many as there are zones. */
const latest = new Map<string, Period>();
const formats = new Map<string, Intl.DateTimeFormat>();

/** `2026-11-23`, on a calendar on the wall there. */
function dateIn(zone: string, instant: Date): string {
  let format = formats.get(zone);
  if (!format) {
    const parts = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
    formats.set(zone, (format = new Intl.DateTimeFormat('en-CA', { timeZone: zone, ...parts })));
  }
  return format.format(instant);
}

const SECOND = 1000;
/** No zone is further from UTC than this. */
const FURTHEST = 16 * 3600 * SECOND;

/** The first second of a date there. No offset is asked for: at a change of clocks it would be the wrong one. */
function beginningOf(date: number, zone: string): Date {
  const wanted = new Date(date).toISOString().slice(0, 10);
  let [before, after] = [date - FURTHEST, date + FURTHEST];
  while (after - before > SECOND) {
    const middle = before + Math.floor((after - before) / 2 / SECOND) * SECOND;
    if (dateIn(zone, new Date(middle)) < wanted) before = middle;
    else after = middle;
  }
  return new Date(after);
}
