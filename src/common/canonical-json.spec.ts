import fc from 'fast-check';
import { canonicalHash, canonicalJson } from './canonical-json';

test('members are sorted by UTF-16 code units, as in RFC 8785, section 3.2.3', () => {
  const value = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 };

  expect(Object.values(JSON.parse(canonicalJson(value)) as object)).toHaveLength(7);
  expect(canonicalJson(value)).toBe('{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\ud83d\ude00":5,"\ufb33":3}');
});

test('members that are undefined are left out, and nested ones are sorted too', () => {
  expect(canonicalJson({ b: [{ d: null, c: undefined, a: 1e21 }], a: 'x' })).toBe(
    '{"a":"x","b":[{"a":1e+21,"d":null}]}',
  );
});

test('it is the same JSON, whatever the order of its members was', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      return canonicalHash(JSON.parse(text)) === canonicalHash(value);
    }),
  );
});

test('what is nested too deep is refused, and not by the stack', () => {
  const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels));

  expect(canonicalJson(nested(256))).toHaveLength(512);
  for (const levels of [257, 100_000]) expect(() => canonicalJson(nested(levels))).toThrow('more than 256 levels');
});
