import { channelsToClaim, claimCost, type ClaimTerms, MOST_CHANNELS, type Unclaimed } from './claim-policy';

const DELAY_MS = 900_000;
const NOW_MS = 1_800_000_000_000;
/** One gwei, and 3,000 dollars a coin: 0.36 dollars for one channel, 0.06 for each further one. */
const TERMS: ClaimTerms = {
  nowMs: NOW_MS,
  weiPerGas: 1_000_000_000n,
  usdPerCoin: 3_000_000_000_000n,
  valueToGas: 20n,
};

const channel = (id: string, atoms: bigint, more: Partial<Unclaimed> = {}): Unclaimed => ({
  id,
  atoms,
  sinceMs: NOW_MS,
  withdrawDelayMs: DELAY_MS,
  withdrawRequested: false,
  alone: false,
  ...more,
});
const ids = (unclaimed: readonly Unclaimed[], terms = TERMS) =>
  channelsToClaim(unclaimed, terms).map((list) => list.map(({ id }) => id));

test('what one claim costs', () => {
  expect(claimCost(1, TERMS)).toBe(360_000n);
  expect(claimCost(100, TERMS)).toBe(6_300_000n);
});

test('without hurry, a claim brings twenty times its gas', () => {
  expect(ids([channel('a', 7_199_999n)])).toEqual([]);
  expect(ids([channel('a', 7_200_000n)])).toEqual([['a']]);
});

test('together what does not pay alone', () => {
  const small = [channel('a', 4_300_000n), channel('b', 4_300_000n)];
  expect(ids(small.slice(1))).toEqual([]);
  expect(ids(small)).toHaveLength(1);
  expect(ids(small)[0]).toHaveLength(2);
});

test.each([
  ['the payer asks for the money back', { withdrawRequested: true }],
  ['a third of the delay has passed', { sinceMs: NOW_MS - DELAY_MS / 3 }],
])('at once when %s, as long as it brings its gas', (_what, urgent) => {
  expect(ids([channel('a', 359_999n, urgent)])).toEqual([]);
  expect(ids([channel('a', 360_000n, urgent)])).toEqual([['a']]);
});

test('not a millisecond before a third of the delay', () => {
  expect(ids([channel('a', 360_000n, { sinceMs: NOW_MS - DELAY_MS / 3 + 1 })])).toEqual([]);
});

test('a channel that brings less than it adds to the gas stays', () => {
  const urgent = { withdrawRequested: true };
  expect(ids([channel('a', 1_000_000n, urgent), channel('dust', 60_000n, urgent)])).toEqual([['a']]);
});

test('a channel whose claim failed is claimed alone', () => {
  const urgent = { withdrawRequested: true };
  const lists = ids([channel('a', 1_000_000n, urgent), channel('bad', 1_000_000n, { ...urgent, alone: true })]);
  expect(lists).toEqual([['a'], ['bad']]);
});

test('urgent ones go when there are more than fit', () => {
  const rich = Array.from({ length: MOST_CHANNELS }, (_, index) => channel(`rich${index}`, 50_000_000n));
  const [list] = ids([...rich, channel('urgent', 100_000n, { withdrawRequested: true })]);
  expect(list).toHaveLength(MOST_CHANNELS);
  expect(list?.[0]).toBe('urgent');
});

test('where gas costs nothing, everything goes', () => {
  expect(ids([channel('a', 1n)], { ...TERMS, weiPerGas: 0n })).toEqual([['a']]);
});
