import { nextRefundState, REFUND_STATES, refundNewsOf } from './refund';

describe('a refund', () => {
  it('may fail after it succeeded, and never comes back from that', () => {
    expect(nextRefundState('succeeded', 'failed')).toBe('failed');
    for (const news of ['pending', 'succeeded', 'failed', 'rejected'] as const) {
      expect(nextRefundState('failed', news)).toBeUndefined();
      expect(nextRefundState('rejected', news)).toBeUndefined();
    }
  });

  it('is not set back by old news', () => {
    expect(nextRefundState('succeeded', 'pending')).toBeUndefined();
    expect(nextRefundState('pending', 'pending')).toBeUndefined();
    expect(REFUND_STATES.filter((state) => nextRefundState(state, 'rejected') !== undefined)).toEqual(['opened']);
  });

  it('has the state that Stripe gives it, and waits for one that we know', () => {
    const known = ['pending', 'requires_action', 'succeeded', 'failed', 'canceled'].map(refundNewsOf);
    expect(known).toEqual(['pending', 'pending', 'succeeded', 'failed', 'failed']);
    expect([refundNewsOf('something_new'), refundNewsOf(null)]).toEqual([undefined, undefined]);
  });
});
