import { assertJobId, JOB_MOVES, JOB_STATES } from './job';

describe('the states of a job', () => {
  const moves = Object.values(JOB_MOVES);
  const reachable = (from: string): Set<string> => {
    const found = new Set([from]);
    for (const state of found) for (const move of moves) if (move.from.some((one) => one === state)) found.add(move.to);
    return found;
  };

  it('are all reached by a new job', () => {
    expect(reachable('waiting')).toEqual(new Set(JOB_STATES));
  });

  it('lead from wherever a job is to done, and from done nowhere', () => {
    for (const state of JOB_STATES) expect(reachable(state)).toContain('done');
    expect(reachable('done')).toEqual(new Set(['done']));
  });

  it('are left for done only by who runs the job, and for life only by the operator', () => {
    expect(JOB_MOVES.finished.from).toEqual(['running']);
    const fromDead = Object.entries(JOB_MOVES).filter(([, { from }]) => from.includes('dead'));
    expect(fromDead.map(([event]) => event)).toEqual(['retried']);
  });
});

describe('assertJobId', () => {
  it.each(['stripe-fee:pi_1', 'a', 'x'.repeat(200), 'close:2026-01:cus_1', 'mail:a@b.c'])('takes %s', (id) => {
    expect(() => assertJobId(id)).not.toThrow();
  });

  it.each(['', ' ', 'a/b', 'a#1', 'a\n', 'x'.repeat(201), 'é'])('refuses "%s"', (id) => {
    expect(() => assertJobId(id)).toThrow(RangeError);
  });
});
