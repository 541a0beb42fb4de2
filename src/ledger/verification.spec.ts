import { AssetSums, check, MAX_FAULTS, unequalSums } from './verification';

const sums = (values: Record<string, bigint>): AssetSums => {
  const result = new AssetSums();
  for (const [asset, atoms] of Object.entries(values)) result.add(asset, atoms);
  return result;
};

describe('unequalSums', () => {
  it('is empty when each asset adds up, beyond what a number can hold', () => {
    const huge = 2n ** 63n + 1n;
    expect(unequalSums({ usage: sums({ USD: huge }), revenue: sums({ USD: huge, USDC: 0n }) })).toEqual([]);
  });

  it('names asset and side, also of an asset that one side does not know', () => {
    const faults = unequalSums({
      usage: sums({ USD: 5n }),
      invoices: sums({ USD: 4n }),
      revenue: sums({ USD: 5n, USDC: 1n }),
    });
    expect(faults).toEqual([
      { subject: 'USD: usage and invoices', expected: '5 atoms', found: '4 atoms' },
      { subject: 'USDC: usage and revenue', expected: '0 atoms', found: '1 atoms' },
    ]);
  });
});

it('keeps the report small, however broken the books are', () => {
  const faults = Array.from({ length: 50 }, (_, index) => ({ subject: `${index}`, expected: '', found: '' }));
  const broken = check('zero_sum', 50, faults);
  expect([broken.ok, broken.faults.length]).toEqual([false, MAX_FAULTS]);
});
