import fc from 'fast-check';
import { LogRange, nextChunk } from './log-range';

const positions = fc.array(fc.bigInt(0n, 300n), { minLength: 1, maxLength: 4 });

test('whatever range a node takes, each block is read once for each address, in order, and none beyond the target', () => {
  fc.assert(
    fc.property(
      positions,
      fc.bigInt(0n, 400n),
      fc.integer({ min: 1, max: 64 }),
      fc.integer({ min: 1, max: 80 }),
      (starts, target, most, limit) => {
        const range = new LogRange(most);
        const read = starts.map((nextBlock, index) => ({ address: `0x${index}`, nextBlock }));
        for (;;) {
          const chunk = nextChunk(read, target, range.blocks);
          if (!chunk) break;
          const asked = Number(chunk.to - chunk.from) + 1;
          if (asked > limit) {
            expect(range.refuse(asked)).toBe(true);
            continue;
          }
          range.accept();
          expect(chunk.to).toBeLessThanOrEqual(target);
          for (const position of read.filter(({ address }) => chunk.addresses.includes(address))) {
            expect(position.nextBlock).toBe(chunk.from);
            position.nextBlock = chunk.to + 1n;
          }
        }
        const ends = starts.map((start) => (start > target ? start : target + 1n));
        expect(read.map(({ nextBlock }) => nextBlock)).toEqual(ends);
      },
    ),
  );
});

test('a refused range is halved, grows again after a while, and then asks ever more seldom', () => {
  const range = new LogRange(2000);
  expect(range.refuse(2000)).toBe(true);
  expect(range.blocks).toBe(1000);
  for (let times = 0; times < 16; times++) range.accept();
  expect(range.blocks).toBe(2000);
  range.refuse(2000);
  for (let times = 0; times < 31; times++) range.accept();
  expect(range.blocks).toBe(1000);
  range.accept();
  expect(range.blocks).toBe(2000);
});

test('a single block that is refused is not halved', () => {
  const range = new LogRange(1);
  expect(range.refuse(1)).toBe(false);
  expect(range.blocks).toBe(1);
});
