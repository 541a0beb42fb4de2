import { claimedAmong, claimLogs } from './claimed-transfers';

const at = (logIndex: number, atoms: bigint) => ({ logIndex, atoms });

describe('the claims of a transaction’s transfers', () => {
  it('are those of their logs', () => {
    expect(claimedAmong([at(3, 5n), at(4, 5n), at(5, 7n)], [at(4, 5n)])).toEqual([undefined, at(4, 5n), undefined]);
  });

  it('follow their transfers to other logs', () => {
    expect(claimedAmong([at(8, 5n), at(9, 7n)], [at(3, 7n)])).toEqual([undefined, at(3, 7n)]);
    expect(claimedAmong([at(4, 5n), at(5, 7n)], [at(4, 7n), at(3, 5n)])).toEqual([at(3, 5n), at(4, 7n)]);
  });

  it('are each of one transfer, and none of one of another amount', () => {
    expect(claimedAmong([at(4, 5n), at(5, 5n)], [at(3, 5n), at(4, 5n)])).toEqual([at(4, 5n), at(3, 5n)]);
    expect(claimedAmong([at(4, 5n)], [at(4, 6n)])).toEqual([undefined]);
  });
});

describe('the log that a claim is named by', () => {
  const named = (transfers: ReturnType<typeof at>[], claims: ReturnType<typeof at>[]) =>
    claimLogs(transfers, claimedAmong(transfers, claims));

  it('is its own, as long as nobody has that name', () => {
    expect(named([at(3, 5n), at(4, 7n)], [])).toEqual([3, 4]);
    expect(named([at(4, 5n), at(5, 7n)], [at(3, 5n)])).toEqual([3, 5]);
  });

  it('is where the transfer went that has its name', () => {
    expect(named([at(4, 5n), at(5, 7n)], [at(4, 7n)])).toEqual([5, 4]);
    expect(named([at(4, 5n), at(5, 7n), at(6, 9n)], [at(4, 7n), at(5, 9n)])).toEqual([6, 4, 5]);
  });

  it('is taken where the transfer with its name is not there any more', () => {
    expect(named([at(4, 5n)], [at(4, 7n)])).toEqual([4]);
  });
});
