import { Progress, progressLine } from './progress';

const at = { step: 'chain', done: 50, total: 200, counted: 3_000, unit: 'entries' };

describe('progressLine', () => {
  it('tells percentage, rate and the time that is left, measured from where this process began', () => {
    expect(progressLine(at, { done: 0, counted: 0, seconds: 2 })).toBe(
      'chain [######------------------]  25.0 %  3 000 entries, 1 500/s, 6 s left',
    );
    expect(progressLine(at, { done: 40, counted: 2_000, seconds: 10 })).toContain(
      '3 000 entries, 100/s, 2 min 30 s left',
    );
  });

  it('knows no rate before anything was done, and an end of nothing', () => {
    expect(progressLine(at, { done: 50, counted: 3_000, seconds: 0 })).toBe('chain [######------------------]  25.0 %');
    expect(progressLine({ ...at, done: 0, total: 0 }, { done: 0, counted: 0, seconds: 0 })).toContain('100.0 %');
  });
});

it('rewrites its line on a terminal, and elsewhere writes one every three seconds', () => {
  for (const [isTTY, writes] of [
    [true, 3],
    [false, 2],
  ] as const) {
    const written: string[] = [];
    let now = 1_000_000;
    const progress = new Progress({ isTTY, write: (text: unknown) => written.push(String(text)) > 0 }, () => now);
    for (const milliseconds of [0, 50, 150, 3_000]) {
      now = 1_000_000 + milliseconds;
      progress.show({ ...at, done: milliseconds });
      if (milliseconds === 150) progress.show({ ...at, done: 1 });
    }
    expect([isTTY, written.length]).toEqual([isTTY, writes]);
    expect(written[0]?.startsWith('\r')).toBe(isTTY);
  }
});
