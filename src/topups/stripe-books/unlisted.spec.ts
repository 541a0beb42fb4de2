import { unlistedAtLeast, unlistedBy, unlistedIn } from './unlisted';

const look = (balance: bigint, listed: bigint, ...meanwhile: bigint[]) => ({ balance, listed, meanwhile });

describe('what of Stripe’s balance was never listed', () => {
  it('is nothing when the balance is what was listed until some moment of the look', () => {
    for (const balance of [100n, 95n, 98n]) expect(unlistedBy([look(balance, 100n, -5n, 3n)])).toBe(0n);
  });

  it('cannot be what was listed later without what was listed before it', () => {
    expect([...unlistedIn(look(103n, 100n, -5n, 3n))]).toEqual([3n, 8n, 5n]);
  });

  it('is believed when two looks agree on it, also while money moves', () => {
    expect(unlistedBy([look(142n, 100n)])).toBeUndefined();
    expect(unlistedBy([look(142n, 100n), look(142n, 100n)])).toBe(42n);
    expect(unlistedBy([look(137n, 100n, -5n, 3n), look(141n, 98n, 1n, 7n)])).toBe(42n);
  });

  it('is not known while looks leave several amounts, or contradict each other', () => {
    const several = [look(142n, 100n, 1n), look(142n, 100n, 1n)];
    expect([unlistedBy(several), unlistedAtLeast(several)]).toEqual([undefined, 41n]);
    const contradicting = [look(142n, 100n), look(150n, 100n)];
    expect([unlistedBy(contradicting), unlistedAtLeast(contradicting)]).toEqual([undefined, undefined]);
  });
});
