import { newSigningKey } from '../../common/signing-key';
import { type Config, ConfigurationError } from '../../config/config';
import { AuthorityIdentity } from './authority-identity.service';

const http = { host: '127.0.0.1', port: 4020, publicUrl: 'https://api.example.com' };
const identity = (jwks: string | undefined, change: object = {}) => {
  const creditAuthority = jwks === undefined ? undefined : { jwks, network: 'tollbridge:credit' };
  return new AuthorityIdentity({ http: { ...http, ...change }, creditAuthority } as unknown as Config);
};
const jwks = JSON.stringify({ keys: [newSigningKey()] });

test.each([
  ['https://api.example.com', 'https://api.example.com'],
  ['https://api.example.com:8443/base', 'https://api.example.com:8443'],
  [undefined, 'http://127.0.0.1:4020'],
])('with the public URL %p its origin is %s', (publicUrl, origin) => {
  expect(identity(jwks, { publicUrl }).origin).toBe(origin);
});

test('keys that cannot be read stop the process, by the variable and without a value', () => {
  const secret = newSigningKey();
  const broken = JSON.stringify({ keys: [{ ...secret, crv: 'Ed448' }] });

  expect(() => identity(broken)).toThrow(ConfigurationError);
  expect(() => identity(broken)).toThrow(/CREDIT_AUTHORITY_JWKS must be .* key 0 is not a private Ed25519 key/);
  expect(() => identity(broken)).not.toThrow(String(secret.d));
});

test('without keys there is nothing to sign with, and whoever asks is told so', () => {
  const { isConfigured } = identity(undefined);

  expect(isConfigured).toBe(false);
  expect(() => identity(undefined).keys).toThrow(
    expect.objectContaining({ status: 501, code: 'authority_not_configured' }),
  );
});
