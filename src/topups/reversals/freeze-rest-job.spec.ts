import { freezeRestJob } from './freeze-rest-job';

describe('freezeRestJob', () => {
  it('is another job each time: the one that runs can ask for the next, however soon', () => {
    expect(freezeRestJob('pi_1').id).not.toBe(freezeRestJob('pi_1').id);
    expect(freezeRestJob('pi_1')).toMatchObject({ payload: { paymentIntentId: 'pi_1' }, afterSeconds: 6 });
  });
});
