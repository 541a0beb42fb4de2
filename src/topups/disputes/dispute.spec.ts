import { DISPUTE_PHASES, disputeNewsOf, nextPhase } from './dispute';

const gone = { withdrawn: 1n, moved: true };

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
    expect(disputeNewsOf('lost', { withdrawn: 0n, moved: true })).toBe('given_up');
    expect(disputeNewsOf('lost', { withdrawn: 0n, moved: false })).toBe('opened');
  });

  it('knows every status that Stripe documents, and waits at any other', () => {
    const inquiry = ['warning_needs_response', 'warning_under_review', 'warning_closed'];
    const statuses = [...inquiry, 'needs_response', 'under_review', 'won', 'prevented', 'appeal_pending'];
    expect(statuses.map((status) => disputeNewsOf(status, gone))).toEqual([
      ...['asked', 'asked', 'given_up'],
      ...['opened', 'opened', 'given_up', 'given_up'],
      undefined,
    ]);
  });
});
