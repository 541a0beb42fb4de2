import { createRemoteJWKSet, jwtVerify } from 'jose';
import { newSigningKey } from '../../src/common/signing-key';
import { startAppOn, type TestApp } from '../support/app';
import { json } from '../support/calls';
import {
  attestationOf,
  authorize,
  type CreditWorld,
  expectCreditBooks,
  paidWith,
  startCreditWorld,
} from '../support/credit-world';
import { chat, customerWith } from '../support/world';

const DOLLAR = 1_000_000_000n;

const [old, young] = [newSigningKey(), newSigningKey()];
let world: CreditWorld;
let rotated: TestApp;
let later: TestApp;
let bundle: { customerId: string; key: string };

beforeAll(async () => {
  const keysAre = (...keys: unknown[]) => ({ CREDIT_AUTHORITY_JWKS: JSON.stringify({ keys }) });
  world = await startCreditWorld({ env: keysAre(old) });
  rotated = await startAppOn({ url: world.databaseUrl }, { ...world.env, ...keysAre(young, old) });
  later = await startAppOn({ url: world.databaseUrl }, { ...world.env, ...keysAre(young) });
  bundle = await customerWith(world, DOLLAR);
});
afterEach(() => expectCreditBooks(world));
afterAll(async () => {
  await later?.stop();
  await rotated?.stop();
  await world?.stop();
});

const resource = () => `${world.url}/v1/chat/completions`;
const kidOf = (attestation: string): unknown =>
  JSON.parse(Buffer.from(attestation.split('.')[0] ?? '', 'base64url').toString()).kid;
const pay = ({ url }: TestApp, attestation: string) => chat(url, undefined, {}, paidWith(attestation));

test('a new key signs, and what the old one signed is good until it is taken out', async () => {
  const before = await attestationOf(authorize(world, bundle, { idempotencyKey: 'before', resource: resource() }));
  const after = await attestationOf(authorize(rotated, bundle, { resource: resource() }));

  expect([kidOf(before), kidOf(after)]).toEqual([old['kid'], young['kid']]);
  expect((await pay(rotated, before)).status).toBe(200);
  expect((await pay(rotated, after)).status).toBe(200);
});

test('a repeated authorization returns what was signed first, by the key that signed it', async () => {
  const change = { idempotencyKey: 'repeated', resource: resource() };
  const before = await attestationOf(authorize(world, bundle, change));

  expect(await attestationOf(authorize(rotated, bundle, change))).toBe(before);
});

test('with the old key gone, what it signed is nobody’s', async () => {
  const before = await attestationOf(authorize(world, bundle, { resource: resource() }));

  expect(await json(await pay(later, before))).toMatchObject({ status: 402, code: 'attestation_invalid' });
});

test('a server that verifies by itself finds the keys at the issuer, with a library of its own', async () => {
  const attestation = await attestationOf(authorize(rotated, bundle, { resource: resource() }));
  const published = createRemoteJWKSet(new URL(`${rotated.url}/.well-known/jwks.json`));
  const expected = { issuer: world.url, audience: world.url, algorithms: ['EdDSA'], typ: 'x402-credit+jwt' };

  const { payload } = await jwtVerify(attestation, published, expected);
  expect(payload.sub).toBe(bundle.customerId);
});
