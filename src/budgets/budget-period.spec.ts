import fc from 'fast-check';
import { BUDGET_PERIODS } from '../customers/spending';
import { isTimeZone, periodOf } from './budget-period';

const shown = (instant: string, period: (typeof BUDGET_PERIODS)[number], zone: string) => {
  const { from, to } = periodOf(new Date(instant), period, zone);
  return `${from.toISOString()} ${to.toISOString()}`;
};

describe('a period of the customer’s calendar', () => {
  it.each([
    ['2026-11-23T16:00:00Z', 'day', 'UTC', '2026-11-23T00:00:00.000Z 2026-11-24T00:00:00.000Z'],
    ['2026-11-23T16:00:00Z', 'day', 'Asia/Tokyo', '2026-11-23T15:00:00.000Z 2026-11-24T15:00:00.000Z'],
    ['2026-11-29T23:59:59.999Z', 'week', 'UTC', '2026-11-23T00:00:00.000Z 2026-11-30T00:00:00.000Z'],
    ['2026-01-31T23:30:00Z', 'month', 'Europe/Berlin', '2026-01-31T23:00:00.000Z 2026-02-28T23:00:00.000Z'],
    // Clocks go forward on 29 March and back on 25 October: 23 and 25 hours.
    ['2026-03-29T12:00:00Z', 'day', 'Europe/Berlin', '2026-03-28T23:00:00.000Z 2026-03-29T22:00:00.000Z'],
    ['2026-10-25T12:00:00Z', 'day', 'Europe/Berlin', '2026-10-24T22:00:00.000Z 2026-10-25T23:00:00.000Z'],
    ['2026-03-15T12:00:00Z', 'month', 'Europe/Berlin', '2026-02-28T23:00:00.000Z 2026-03-31T22:00:00.000Z'],
    // On 6 September 2026 there is no midnight in Chile: the day begins at one o'clock.
    ['2026-09-06T12:00:00Z', 'day', 'America/Santiago', '2026-09-06T04:00:00.000Z 2026-09-07T03:00:00.000Z'],
    ['2026-07-01T00:00:00Z', 'day', 'Asia/Kathmandu', '2026-06-30T18:15:00.000Z 2026-07-01T18:15:00.000Z'],
  ] as const)('at %s: the %s in %s', (instant, period, zone, expected) => {
    expect(shown(instant, period, zone)).toBe(expected);
  });

  it('holds its instant, and the next begins where it ends', () => {
    const zones = ['UTC', 'Europe/Berlin', 'America/Santiago', 'Asia/Kathmandu', 'Pacific/Apia', 'America/St_Johns'];
    const instants = fc.date({ min: new Date('2020-01-01'), max: new Date('2035-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(instants, fc.constantFrom(...zones), fc.constantFrom(...BUDGET_PERIODS), (instant, zone, period) => {
        const { from, to } = periodOf(instant, period, zone);
        expect(from <= instant && instant < to).toBe(true);
        expect(periodOf(to, period, zone).from).toEqual(to);
        expect(periodOf(new Date(to.getTime() - 1), period, zone)).toEqual({ from, to });
        const hours = (to.getTime() - from.getTime()) / 3_600_000;
        expect(Math.round(hours / 24)).toBeGreaterThanOrEqual({ day: 1, week: 7, month: 28 }[period]);
      }),
    );
  });

  it('knows zones by their names only', () => {
    expect(['UTC', 'Europe/Berlin', 'America/Santiago'].every(isTimeZone)).toBe(true);
    expect(['', 'Berlin', '+02:00', 'europe/berlin'].some(isTimeZone)).toBe(false);
  });
});
