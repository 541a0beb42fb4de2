import { usd } from '../../common/money';
import { centsToUsd } from '../topup';
import { readReloadForm, typedOf } from './reload-form';
import { dollars } from './words';

const bounds = { minCents: 500, maxCents: 1_000_000 };
const good = { threshold: '10', amount: '25', dayCap: '', monthCap: '' };
const faultsOf = (body: unknown) => {
  const read = readReloadForm(body, bounds);
  return 'faults' in read ? Object.keys(read.faults) : [];
};

describe('the form of auto-reload', () => {
  it('is read as somebody types dollars', () => {
    const typed = { threshold: '$1,000.5', amount: ' 25.00 ', dayCap: '50', monthCap: '' };
    const terms = {
      enabled: true,
      threshold: centsToUsd(100_050),
      amount: centsToUsd(2500),
      dayCap: centsToUsd(5000),
      monthCap: null,
    };
    expect(readReloadForm(typed, bounds)).toEqual({ terms });
    expect(typedOf(terms)).toEqual({ threshold: '1000.50', amount: '25.00', dayCap: '50.00', monthCap: '' });
  });

  it.each([
    [{ ...good, threshold: '' }, ['threshold']],
    [{ ...good, threshold: '-1' }, ['threshold']],
    [{ ...good, threshold: '1e3' }, ['threshold']],
    [{ ...good, threshold: '0' }, []],
    [{ ...good, amount: '4.99' }, ['amount']],
    [{ ...good, amount: '10000.01' }, ['amount']],
    [{ ...good, amount: '5.005' }, ['amount']],
    [{ ...good, dayCap: '24.99' }, ['dayCap']],
    [{ ...good, monthCap: 'much' }, ['monthCap']],
    [{ ...good, monthCap: '25' }, []],
    [{ ...good, amount: ['25'] }, ['amount']],
    [undefined, ['threshold', 'amount']],
    ['threshold', ['threshold', 'amount']],
    [[], ['threshold', 'amount']],
  ])('%j has faults in %j', (body, faults) => {
    expect(faultsOf(body)).toEqual(faults);
  });

  it('comes back as it was typed', () => {
    const typed = { ...good, amount: '<b>', dayCap: '1' };
    expect(readReloadForm(typed, bounds)).toMatchObject({ typed });
  });
});

describe('dollars', () => {
  it.each([
    [0n, '$0.00'],
    [-1_500_000_000n, '-$1.50'],
    [1_234_567_000_000_000n, '$1,234,567.00'],
    [1_000_000_001n, '$1.000000001'],
  ])('%s atoms are %s', (atoms, text) => {
    expect(dollars(usd(atoms))).toBe(text);
  });
});
