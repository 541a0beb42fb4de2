import {
  AFTER_LOST_LEASE,
  CLAIM_TRANSITIONS,
  CLAIMABLE,
  type ClaimState,
  PENDING_TRANSACTION,
  withTransaction,
} from './claim';

const STATES = Object.keys(CLAIM_TRANSITIONS) as ClaimState[];

test('only what nobody works on, and nothing was sent for, can be claimed again', () => {
  expect([...CLAIMABLE].toSorted()).toEqual(['paid', 'released']);
});

test('what is settled or failed stays so', () => {
  for (const state of ['settled', 'failed'] as const) expect(CLAIM_TRANSITIONS[state]).toEqual([]);
});

test('once money may have moved, a claim is never free without it having been paid', () => {
  expect(CLAIM_TRANSITIONS.settling).not.toContain('released');
  expect(CLAIM_TRANSITIONS.in_doubt).not.toContain('released');
  expect(CLAIM_TRANSITIONS.in_doubt).not.toContain('working');
});

test('who lost its lease may go on from where recovery freed its claim, and from nowhere else', () => {
  expect(Object.keys(AFTER_LOST_LEASE).toSorted()).toEqual([...CLAIMABLE].toSorted());
  expect(Object.values(AFTER_LOST_LEASE).flat()).not.toContain('working');
});

test('from every state there is a way to an end', () => {
  const reachable = (from: ClaimState, seen = new Set<ClaimState>()): Set<ClaimState> => {
    if (!seen.has(from)) {
      seen.add(from);
      for (const next of CLAIM_TRANSITIONS[from]) reachable(next, seen);
    }
    return seen;
  };
  for (const state of STATES) {
    const ends = [...reachable(state)].filter((end) => CLAIM_TRANSITIONS[end].length === 0);
    expect(ends.length).toBeGreaterThan(0);
  }
});

test('the hash goes wherever it is waited for, and nowhere else', () => {
  const rows = {
    usage: { tx_hash: PENDING_TRANSACTION, model: `not ${PENDING_TRANSACTION}` },
    invoice: { evidence: { transaction: PENDING_TRANSACTION } },
  };
  expect(withTransaction(rows, '0xabc')).toEqual({
    usage: { tx_hash: '0xabc', model: `not ${PENDING_TRANSACTION}` },
    invoice: { evidence: { transaction: '0xabc' } },
  });
});
