import { parseInstant, parsePeriod } from './period';

describe('parsePeriod', () => {
  const now = new Date('2026-12-31T23:59:59.999Z');

  it('is the current month in UTC when nothing is given', () => {
    expect(parsePeriod({}, now)).toEqual({ from: new Date('2026-12-01'), to: new Date('2027-01-01') });
  });

  it('takes days and instants', () => {
    expect(parsePeriod({ from: '2026-02-28', to: '2026-03-01T12:30:00.5Z' }, now)).toEqual({
      from: new Date('2026-02-28T00:00:00Z'),
      to: new Date('2026-03-01T12:30:00.500Z'),
    });
  });

  it.each([
    ['2026-11-02', '2026-11-01'],
    ['2026-11-01', '2026-11-01'],
  ])('refuses %s to %s as empty', (from, to) => {
    expect(() => parsePeriod({ from, to }, now)).toThrow(expect.objectContaining({ code: 'empty_period' }));
  });

  it.each(['', 'yesterday', '2026-02-30', '2026-11', '2026-11-01T00:00:00+01:00', '2026-11-01T00:00', '1969-01-01'])(
    'refuses "%s" by the name of its field',
    (text) => {
      expect(() => parseInstant(text, 'from')).toThrow(
        expect.objectContaining({ code: 'invalid_instant', detail: expect.stringContaining('"from"') as string }),
      );
    },
  );
});
