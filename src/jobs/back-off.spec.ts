import fc from 'fast-check';
import { ATTEMPTS, backOffSeconds } from './back-off';

describe('backOffSeconds', () => {
  it('doubles from two seconds to an hour', () => {
    const whole = Array.from({ length: 13 }, (_, n) => backOffSeconds(n + 1, 0));
    expect(whole).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600]);
  });

  it('takes up to a half off, and never more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
        const [seconds, whole] = [backOffSeconds(attempt, random), backOffSeconds(attempt, 0)];
        expect(seconds).toBeLessThanOrEqual(whole);
        expect(seconds).toBeGreaterThanOrEqual(whole / 2);
      }),
    );
  });

  it('gives a failing job hours, not days', () => {
    const hours =
      Array.from({ length: ATTEMPTS - 1 }, (_, n) => backOffSeconds(n + 1, 0)).reduce((a, b) => a + b) / 3600;
    expect(hours).toBeGreaterThan(3);
    expect(hours).toBeLessThan(12);
  });
});
