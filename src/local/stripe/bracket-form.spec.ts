import fc from 'fast-check';
import { type FormHash, type FormValue, parseBracketForm } from './bracket-form';

type Plain = string | { [key: string]: Plain };

/** The encoder of stripe-node, in short: brackets stay brackets, everything else is percent-encoded. */
function encode(value: Plain, key = ''): string[] {
  if (typeof value === 'string')
    return [`${encodeURIComponent(key).replaceAll('%5B', '[').replaceAll('%5D', ']')}=${encodeURIComponent(value)}`];
  return Object.entries(value).flatMap(([name, inner]) => encode(inner, key === '' ? name : `${key}[${name}]`));
}

function plain(value: FormValue): Plain {
  if (typeof value === 'string') return value;
  return Object.fromEntries([...value].map(([key, inner]) => [key, plain(inner)]));
}

const parsed = (body: string): Plain => plain(parseBracketForm(body));

describe('parseBracketForm', () => {
  it('reads what stripe-node sends', () => {
    const body = 'mode=payment&line_items[0][price_data][currency]=usd&line_items[0][quantity]=2&metadata[a b]=c%20%26';
    expect(parsed(body)).toEqual({
      mode: 'payment',
      line_items: { 0: { price_data: { currency: 'usd' }, quantity: '2' } },
      metadata: { 'a b': 'c &' },
    });
  });

  it('reads encoded brackets, lists without indexes, plus signs and missing values', () => {
    expect(parsed('expand%5B%5D=customer&expand[]=payment_intent')).toEqual({
      expand: { 0: 'customer', 1: 'payment_intent' },
    });
    expect(parsed('name=a+b&empty=&bare&&')).toEqual({ name: 'a b', empty: '', bare: '' });
  });

  it('takes what is broken literally', () => {
    expect(parsed('a[b=1&[c]=2&d]=3&e%=%zz&f[g]h=4')).toEqual({
      'a[b': '1',
      '[c]': '2',
      'd]': '3',
      'e%': '%zz',
      'f[g]h': '4',
    });
    expect(parsed('a=1&a[b]=2')).toEqual({ a: { b: '2' } });
  });

  it('pollutes no prototype', () => {
    const hash = parseBracketForm('__proto__[polluted]=yes&constructor[prototype][polluted]=yes');
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    expect((hash.get('__proto__') as FormHash).get('polluted')).toBe('yes');
  });

  it('never throws', () => {
    const noise = fc
      .array(fc.constantFrom('a', '[', ']', '=', '&', '%', '%5B', '0', '+', 'é', '__proto__'))
      .map((parts) => parts.join(''));
    fc.assert(fc.property(fc.oneof(fc.string(), noise), (body) => expect(parseBracketForm(body)).toBeInstanceOf(Map)));
  });

  it('brings back what was encoded', () => {
    const key = fc.stringMatching(/^[a-z_][a-z0-9_ é&=%]{0,8}$/);
    const { tree } = fc.letrec<{ tree: Plain }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.dictionary(key, tie('tree'), { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
        fc
          .array(tie('tree'), { minLength: 1, maxLength: 4 })
          .map((items): Plain => Object.fromEntries(items.entries())),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(key, tree, { noNullPrototype: true }), (value) => {
        expect(parsed(encode(value).join('&'))).toEqual(value);
      }),
    );
  });
});
