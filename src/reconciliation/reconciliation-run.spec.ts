import { dayOf, usualWindow } from './reconciliation-run';

const now = new Date('2026-11-23T02:10:00Z');
const at = (day: string) => new Date(`${day}T02:10:00.000Z`);

it.each([
  ['90 days at first', undefined, at('2026-08-25')],
  ['a week when the last good run was yesterday', at('2026-11-22'), at('2026-11-16')],
  ['all since the last good run when that is longer', at('2026-11-01'), at('2026-11-01')],
  ['90 days at most', at('2026-01-01'), at('2026-08-25')],
])('a run looks at %s', (_, reconciledUntil, from) => {
  expect(usualWindow(now, reconciledUntil)).toEqual({ from, until: now });
});

it('has the day of UTC', () => {
  expect(dayOf(new Date('2026-11-23T23:59:59.999Z'))).toBe('2026-11-23');
});
