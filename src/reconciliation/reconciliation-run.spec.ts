import { dayOf, joined, usualWindow } from './reconciliation-run';

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

describe('how far everything was compared', () => {
  const run = (began: string, from: string, until: string) => ({ at: at(began), from: at(from), until: at(until) });
  const first = run('2026-11-01', '2026-08-03', '2026-11-01');

  it.each([
    ['nowhere without a run', [], undefined],
    ['nowhere by a run over a few days alone', [run('2026-11-01', '2026-10-25', '2026-11-01')], undefined],
    ['to the end of windows that join', [first, run('2026-11-08', '2026-11-01', '2026-11-08')], at('2026-11-08')],
    ['not past a gap', [first, run('2026-11-20', '2026-11-13', '2026-11-20')], at('2026-11-01')],
    [
      'not back by a look at what is long ago',
      [first, run('2026-11-02', '2026-08-01', '2026-08-05')],
      at('2026-11-01'),
    ],
    ['not beyond the day of the run', [run('2026-11-01', '2026-08-01', '2027-08-01')], at('2026-11-01')],
  ])('is %s', (_, runs, reached) => {
    expect(joined(runs)).toEqual(reached);
  });
});
