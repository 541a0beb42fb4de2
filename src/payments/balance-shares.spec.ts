import { BalanceShares } from './balance-shares';

const share = (atoms: bigint, balance = 100n, payer = 'eip155:1:usdc:0xa') => ({ payer, atoms, balance });

describe('shares of a balance', () => {
  it('are given out as far as it goes, and again when they come back', () => {
    const shares = new BalanceShares();
    const first = shares.take('1', share(60n));
    expect(first).toBeDefined();
    expect(shares.take('2', share(41n))).toBeUndefined();
    expect(shares.take('3', share(40n))).toBeDefined();
    expect(shares.take('4', share(1n))).toBeUndefined();
    first?.();
    expect(shares.take('2', share(41n))).toBeDefined();
  });

  it('are each payer’s own', () => {
    const shares = new BalanceShares();
    expect(shares.take('1', share(100n))).toBeDefined();
    expect(shares.take('2', share(100n, 100n, 'eip155:1:usdc:0xb'))).toBeDefined();
  });

  it('are counted once for copies of one claim, until the last of them is done', () => {
    const shares = new BalanceShares();
    const copies = [shares.take('1', share(100n)), shares.take('1', share(100n))];
    expect(copies).not.toContain(undefined);
    copies[0]?.();
    expect(shares.take('2', share(1n))).toBeUndefined();
    copies[1]?.();
    expect(shares.take('2', share(1n))).toBeDefined();
  });
});
