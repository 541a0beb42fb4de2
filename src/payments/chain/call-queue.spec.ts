import { takeBatch } from './call-queue';

const call = (name: string, more: { gas?: bigint; alone?: boolean; sender?: `0x${string}` } = {}) => ({
  name,
  call: { gas: 120_000n, ...more },
});
const namesOf = (batch: readonly { name: string }[]) => batch.map(({ name }) => name).join('');

describe('takeBatch', () => {
  it('takes what is there, in order, up to 64 calls', () => {
    const queue = Array.from({ length: 70 }, () => call('x'));
    expect(takeBatch(queue)).toHaveLength(64);
    expect(takeBatch(queue)).toHaveLength(6);
    expect(takeBatch(queue)).toHaveLength(0);
  });

  it('takes no more gas than a block has room for, and always at least one call', () => {
    const queue = [call('a', { gas: 7_000_000n }), call('b', { gas: 6_000_000n }), call('c', { gas: 20_000_000n })];
    expect([takeBatch(queue), takeBatch(queue), takeBatch(queue)].map(namesOf)).toEqual(['a', 'b', 'c']);
  });

  it('sends apart what runs a stranger’s code, and what must come from one of our keys', () => {
    const queue = [call('a'), call('b'), call('c', { alone: true }), call('d', { sender: '0x01' }), call('e')];
    expect([1, 2, 3, 4].map(() => namesOf(takeBatch(queue)))).toEqual(['ab', 'c', 'd', 'e']);
  });
});
