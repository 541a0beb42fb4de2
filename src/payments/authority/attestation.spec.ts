import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { base64url, SignJWT } from 'jose';
import { newSigningKey } from '../../common/signing-key';
import { type AttestationClaims, readAttestation, signAttestation } from './attestation';
import { readAuthorityKeys } from './authority-keys';

const keys = readAuthorityKeys(JSON.stringify({ keys: [newSigningKey(), newSigningKey()] }));
const strangers = readAuthorityKeys(JSON.stringify({ keys: [{ ...newSigningKey(), kid: keys.signing.kid }] }));
const claims: AttestationClaims = {
  iss: 'https://authority.example',
  sub: 'cus_1',
  iat: 1_700_000_000,
  exp: 1_700_000_300,
  holdExp: 1_700_003_900,
  jti: '01890000-0000-7000-8000-000000000000',
  amount: '2',
  asset: 'USD',
  aud: 'https://shop.example',
  resource: 'https://shop.example/v1/chat/completions',
};
const HEADER = { alg: 'EdDSA', kid: keys.signing.kid, typ: 'x402-credit+jwt' };

/** Signed by the right key all the same. */
const signed = (payload: object, header: object = HEADER) =>
  new SignJWT({ ...payload }).setProtectedHeader(header as { alg: string }).sign(keys.signing.privateKey);
const encoded = (value: unknown) => base64url.encode(JSON.stringify(value));

test('what was signed is read, and is signed in the same bytes again', async () => {
  const attestation = await signAttestation(claims, keys.signing);

  expect(await readAttestation(attestation, keys.find)).toEqual(claims);
  expect(await signAttestation(claims, keys.signing)).toBe(attestation);
});

test.each<[string, () => string | Promise<string>]>([
  ['signed by nobody', () => `${encoded({ ...HEADER, alg: 'none' })}.${encoded(claims)}.`],
  [
    'a MAC with the public key',
    () => {
      const input = `${encoded({ ...HEADER, alg: 'HS256' })}.${encoded(claims)}`;
      const secret = JSON.stringify(keys.published.keys[0]);
      return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
    },
  ],
  ['signed by a stranger under our name', () => signAttestation(claims, strangers.signing)],
  ['signed by a key that is not published', () => signed(claims, { ...HEADER, kid: 'retired' })],
  ['without the name of a key', () => signed(claims, { ...HEADER, kid: undefined })],
  ['another kind of token', () => signed(claims, { ...HEADER, typ: 'JWT' })],
  ['longer than any of ours', () => signed({ ...claims, resource: `https://${'a'.repeat(5000)}` })],
  ['settled before it is served', () => signed({ ...claims, holdExp: claims.exp })],
  ['over nothing', () => signed({ ...claims, amount: '0' })],
  ['over a fraction', () => signed({ ...claims, amount: '1.5' })],
])('%s is not read', async (_what, made) => {
  expect(await readAttestation(await made(), keys.find)).toBeUndefined();
});

test.each(Object.keys(claims))('without %s it is not read', async (name) => {
  expect(await readAttestation(await signed({ ...claims, [name]: undefined }), keys.find)).toBeUndefined();
});

test('no claim can be changed, and no byte of it', async () => {
  const attestation = await signAttestation(claims, keys.signing);
  const [header = '', payload = '', signature = ''] = attestation.split('.');
  const changed = fc.record({ name: fc.constantFrom(...Object.keys(claims)), value: fc.jsonValue() });
  const damage = fc.record({ at: fc.nat(attestation.length - 1), to: fc.string({ minLength: 1, maxLength: 1 }) });

  await fc.assert(
    fc.asyncProperty(changed, damage, async ({ name, value }, { at, to }) => {
      const forged = `${header}.${encoded({ ...claims, [name]: value })}.${signature}`;
      if (forged !== attestation) expect(await readAttestation(forged, keys.find)).toBeUndefined();
      const damaged = attestation.slice(0, at) + to + attestation.slice(at + 1);
      // The last character of a part carries bits that no byte is made of.
      const same = damaged.split('.').every((part, index) => {
        const whole = [header, payload, signature][index] ?? '';
        return Buffer.from(part, 'base64url').equals(Buffer.from(whole, 'base64url'));
      });
      if (!same) expect(await readAttestation(damaged, keys.find)).toBeUndefined();
    }),
    { numRuns: 300 },
  );
});

test('anything at all is answered', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), async (text) => (await readAttestation(text, keys.find)) === undefined),
  );
});
