import fc from 'fast-check';
import { DISPUTE_PHASES, disputeNewsOf, lostWithout, nextPhase, reinstatedOf } from './dispute';

const [gone, back, nothing] = [
  { withdrawn: 1n, reinstated: 0n },
  { withdrawn: 1n, reinstated: 1n },
  { withdrawn: 0n, reinstated: 0n },
];

describe('a dispute', () => {
  it('only ever goes forward', () => {
    for (const news of ['asked', 'opened', 'lost', 'given_up'] as const) {
      expect(nextPhase('closed', news)).toBeUndefined();
      for (const phase of DISPUTE_PHASES) {
        const next = nextPhase(phase, news);
        if (next) expect(DISPUTE_PHASES.indexOf(next)).toBeGreaterThan(DISPUTE_PHASES.indexOf(phase));
      }
    }
  });

  it('is lost when its money is gone, and not when that came back', () => {
    expect(disputeNewsOf('lost', gone)).toBe('lost');
    expect(disputeNewsOf('lost', back)).toBe('given_up');
    expect(disputeNewsOf('lost', nothing)).toBe('opened');
  });

  it('is won when its money is back, and lost as far as it is not', () => {
    const part = { withdrawn: 2n, reinstated: 1n };
    expect([back, nothing, gone, part].map((money) => disputeNewsOf('won', money))).toEqual([
      ...['given_up', 'given_up', 'opened', 'lost'],
    ]);
  });

  it('that comes back in parts comes back whole, and each part is as if no more had been lost', () => {
    fc.assert(
      fc.property(
        fc.array(fc.bigInt(0n, 10n ** 12n), { minLength: 4, maxLength: 4 }),
        fc.array(fc.bigInt(0n, 100n), { maxLength: 5 }),
        ([gross = 0n, tax = 0n, bonus = 0n, owed = 0n], parts) => {
          const ownTax = tax % (gross + 1n);
          const credit = gross - ownTax;
          const lost = { gross, tax: ownTax, credit, bonus, owed: owed % (credit + 1n) };
          let now = lost;
          for (const percent of parts) {
            const backNow = reinstatedOf(now, (now.gross * percent) / 100n);
            expect(Object.values(backNow).every((atoms) => atoms >= 0n)).toBe(true);
            expect(backNow.credit + backNow.tax).toBe(backNow.gross);
            now = lostWithout(now, backNow);
            expect(now.owed <= now.credit).toBe(true);
          }
          expect(reinstatedOf(now, 0n)).toEqual(now);
        },
      ),
    );
  });

  it('knows every status that Stripe documents, and waits at any other', () => {
    const inquiry = ['warning_needs_response', 'warning_under_review', 'warning_closed'];
    const statuses = [...inquiry, 'needs_response', 'under_review', 'won', 'prevented', 'appeal_pending'];
    expect(statuses.map((status) => disputeNewsOf(status, back))).toEqual([
      ...['asked', 'asked', 'given_up'],
      ...['opened', 'opened', 'given_up', 'given_up'],
      undefined,
    ]);
  });
});
