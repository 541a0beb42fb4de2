import { readTerms, sealTerms } from './withdrawal-quote';

const KEY = 'a key of the operator';
const terms = { network: 'eip155:8453', atoms: 5n, feeAtoms: 2n, expiresAt: new Date('2026-01-01T00:00:00Z') };

test('says what was stated', () => {
  expect(readTerms(sealTerms(terms, KEY), KEY)).toEqual(terms);
});

test('is worth nothing when it was changed, or sealed by somebody else', () => {
  const quote = sealTerms(terms, KEY);
  const [body = '', seal = ''] = quote.slice(4).split('.');
  const cheaper = Buffer.from(Buffer.from(body, 'base64url').toString().replace(' 2 ', ' 0 ')).toString('base64url');
  expect(readTerms(`tbq_${cheaper}.${seal}`, KEY)).toBeUndefined();
  expect(readTerms(quote, 'another key')).toBeUndefined();
});

test.each(['', 'tbq_', 'tbq_.', `tbq_e30.${'A'.repeat(43)}`, 'x'.repeat(1000)])(
  'a made-up quote is none: %p',
  (quote) => {
    expect(readTerms(quote, KEY)).toBeUndefined();
  },
);
