import { newSigningKey } from '../../common/signing-key';
import { readAuthorityKeys } from './authority-keys';

const first = newSigningKey();
const second = newSigningKey();
const set = (...keys: unknown[]) => JSON.stringify({ keys });

test('the first key signs, all are published, and none of their secrets', () => {
  const keys = readAuthorityKeys(set(second, first));

  expect(keys.signing.kid).toBe(second['kid']);
  expect(keys.published.keys.map(({ kid }) => kid)).toEqual([second['kid'], first['kid']]);
  expect(JSON.stringify(keys.published)).not.toContain('"d"');
  expect(keys.published.keys[0]).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', x: second.x });
  expect(keys.find(String(first['kid']))?.type).toBe('public');
  expect(keys.find('another')).toBeUndefined();
});

test.each([
  ['nothing', '', 'it is not JSON'],
  ['an array', '[]', 'it has no array "keys"'],
  ['no key', set(), 'there is no key in it'],
  ['a nameless key', set({ ...first, kid: undefined }), 'key 0 has no "kid"'],
  ['a public key', set(first, { ...second, d: undefined }), 'key 1 is not a private Ed25519 key'],
  ['a key of another kind', set({ kty: 'oct', k: 'c2VjcmV0', kid: 'a' }), 'key 0 is not a private Ed25519 key'],
  ['a broken key', set({ ...first, d: 'AA' }), 'key 0 is not a private Ed25519 key'],
  ['two of one name', set(first, { ...second, kid: first['kid'] }), 'two keys have the same "kid"'],
])('%s is refused without a word of its content', (_what, text, message) => {
  expect(() => readAuthorityKeys(text)).toThrow(message);
});
