import { backOffSeconds } from '../../jobs/back-off';
import { RELOAD_TRIES } from './reload-job';

describe('the job that charges a card', () => {
  it('is tried until an idempotency key is forgotten, and longer', () => {
    const waits = Array.from({ length: RELOAD_TRIES - 1 }, (_, n) => backOffSeconds(n + 1, 1));
    expect(waits.reduce((sum, wait) => sum + wait) / 3600).toBeGreaterThan(24);
  });
});
