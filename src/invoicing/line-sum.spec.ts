import { usd, usdc } from '../common/money';
import type { ChargeLine } from '../pricing/quote';
import { sumOfLines } from './line-sum';

const line = (amount: string): ChargeLine => ({ meter: 'input', quantity: '1', unitPriceNano: '1', per: '1', amount });

describe('sumOfLines', () => {
  it('adds femto-USD exactly', () => {
    expect(sumOfLines([line('0.1'), line('0.2')], usd(300_000_000n))).toEqual({ sum: '0.3', difference: undefined });
  });

  it('names a rounding to the nano-USD and one to the micro-USDC', () => {
    expect(sumOfLines([line('0.0000000004')], usd(0n)).difference).toEqual({
      amount: '-0.0000000004',
      name: 'Rounding',
    });
    expect(sumOfLines([line('0.000000001')], usdc(1n)).difference).toEqual({ amount: '0.000000999', name: 'Rounding' });
  });

  it('does not call a bounded charge a rounding', () => {
    expect(sumOfLines([line('2')], usdc(1_500_000n)).difference).toEqual({ amount: '-0.5', name: 'Adjustment' });
  });
});
