import { batchSize } from './call-queue';

const call = (more: { gas?: bigint; alone?: boolean; sender?: `0x${string}` } = {}) => ({ gas: 120_000n, ...more });

/** The sizes of the batches in which a queue leaves. */
function sizesOf(queue: readonly ReturnType<typeof call>[]): number[] {
  const size = batchSize(queue);
  return size === 0 ? [] : [size, ...sizesOf(queue.slice(size))];
}

describe('batchSize', () => {
  it('takes what is there, up to 64 calls', () => {
    expect(sizesOf(Array.from({ length: 70 }, () => call()))).toEqual([64, 6]);
  });

  it('takes no more gas than a block has room for, and always at least one call', () => {
    expect(sizesOf([7_000_000n, 6_000_000n, 20_000_000n, 1n].map((gas) => call({ gas })))).toEqual([1, 1, 1, 1]);
    expect(sizesOf([7_000_000n, 5_000_000n, 1n].map((gas) => call({ gas })))).toEqual([2, 1]);
  });

  it('sends apart what runs a stranger’s code, and what must come from one of our keys', () => {
    const queue = [call(), call(), call({ alone: true }), call({ sender: '0x01' }), call()];
    expect(sizesOf(queue)).toEqual([2, 1, 1, 1]);
  });
});
