import { createPrivateKey } from 'node:crypto';
import { canonicalHash } from '../../src/common/canonical-json';
import { newId } from '../../src/common/id';
import { type AttestationClaims, signAttestation } from '../../src/payments/authority/attestation';
import { PricingService } from '../../src/pricing/pricing.service';
import { booksOf, json, post, query, until } from '../support/calls';
import {
  attestationOf,
  authorize,
  claimsIn,
  creditAskedFor,
  type CreditWorld,
  expectCreditBooks,
  type Open,
  paidWith,
  receiptOf,
  registerServer,
  startCreditWorld,
} from '../support/credit-world';
import { chat, customerWith } from '../support/world';

/*
 * The draft `credit` binding of x402 batch-settlement: what a resource server must do, one test each.
 */

const CENT = 10_000_000n;
const SLOW = { 'x-upstream-behave': 'slow=400' };

let world: CreditWorld;
let bundle: { customerId: string; key: string };

beforeAll(async () => {
  world = await startCreditWorld({ replicas: 2 });
});
beforeEach(async () => {
  bundle = await customerWith(world, 100n * CENT);
});
afterEach(() => expectCreditBooks(world));
afterAll(() => world?.stop());

const send = (attestation: string, body: object = {}, headers: object = {}, url = world.url, accepted?: Open) =>
  chat(url, undefined, { ...body }, { ...headers, ...paidWith(attestation, accepted) });

const revoke = (attestation: string) =>
  post(world, `/admin/commitments/${claimsIn(attestation).jti}/revoke`, world.adminToken, {});

/** What a refused attestation answers; it did no work and took nothing. */
async function refusalOf(response: Promise<Response>): Promise<Open> {
  const calls = world.upstream.calls().length;
  const { status, code } = await json(await response);
  expect(world.upstream.calls().length).toBe(calls);
  return { status, code };
}

/** Signed by the authority's own key, with claims that it would not make. */
async function forged(change: Partial<AttestationClaims>): Promise<string> {
  const claims = claimsIn(await attestationOf(authorize(world, bundle)));
  const [jwk] = JSON.parse(world.env['CREDIT_AUTHORITY_JWKS'] ?? '').keys;
  const signing = { kid: jwk.kid, privateKey: createPrivateKey({ key: jwk, format: 'jwk' }) };
  return signAttestation({ ...claims, ...change }, signing);
}

test('serves nothing before it has verified', async () => {
  const stranger = `e30.e30.${'A'.repeat(86)}`;

  expect(await refusalOf(send(stranger))).toEqual({ status: 402, code: 'attestation_invalid' });
});

test.each<[string, () => Partial<AttestationClaims>, string]>([
  ['of another issuer', () => ({ iss: 'https://elsewhere.example' }), 'attestation_invalid'],
  ['for another server', () => ({ aud: 'https://elsewhere.example' }), 'attestation_invalid'],
  ['for another resource', () => ({ resource: `${world.url}/v1/embeddings` }), 'attestation_invalid'],
  ['in another asset', () => ({ asset: 'EUR' }), 'attestation_invalid'],
  ['of a commitment that does not exist', () => ({ jti: newId() }), 'attestation_invalid'],
  ['past exp', () => ({ exp: Math.floor(Date.now() / 1000) }), 'attestation_expired'],
])('an attestation %s pays for nothing', async (_what, change, code) => {
  expect(await refusalOf(send(await forged(change())))).toEqual({ status: 402, code });
});

test('an attestation over less than the call may cost pays for nothing', async () => {
  const attestation = await attestationOf(authorize(world, bundle, { amount: '5' }));

  expect(await refusalOf(send(attestation, { model: 'flat' }))).toEqual({ status: 402, code: 'price_not_acceptable' });
});

test('an attestation for another resource server pays for nothing here', async () => {
  const { origin } = await registerServer(world, `https://${crypto.randomUUID()}.example`);
  const attestation = await attestationOf(authorize(world, bundle, { resource: `${origin}/v1/chat/completions` }));

  expect(await refusalOf(send(attestation))).toEqual({ status: 402, code: 'attestation_invalid' });
});

test('a revoked attestation pays for nothing', async () => {
  const attestation = await attestationOf(authorize(world, bundle));
  await revoke(attestation);

  expect(await refusalOf(send(attestation))).toEqual({ status: 402, code: 'attestation_revoked' });
});

test('revoked in mid-stream: what was delivered is charged to its bundle, which owes what it does not bear', async () => {
  const poor = await customerWith(world, CENT);
  const attestation = await attestationOf(authorize(world, poor, { amount: '1' }));
  const stream = { stream: true, stream_options: { include_usage: true } };
  const response = await send(attestation, stream, { 'x-upstream-behave': 'chunk-delay=50' });
  const reader = response.body!.getReader();
  const first = await reader.read();
  expect((await revoke(attestation)).status).toBe(200);
  // The credit is free again, and is spent elsewhere.
  expect((await booksOf(world, poor.customerId)).available.atoms).toBe(CENT);
  const elsewhere = await attestationOf(authorize(world, poor, { amount: '1' }));
  const chunks = [first.value!];
  for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
  const text = Buffer.concat(chunks).toString();

  expect(text).toMatch(/\[DONE\]/);
  const [usage] = await query(world, 'SELECT * FROM usage_records WHERE customer_id = $1', [poor.customerId]);
  expect(usage).toMatchObject({ status: 'succeeded', invoice_id: expect.any(String) });
  expect(usage.atoms).toBeGreaterThan(0n);
  expect((await booksOf(world, poor.customerId)).owed).toBe(usage.atoms);
  expect(await (await send(attestation, stream)).text()).toBe(text);
  await revoke(elsewhere);
});

test('revoked before an answer in one piece is given, it is withheld and nothing is charged', async () => {
  const attestation = await attestationOf(authorize(world, bundle));
  const answer = send(attestation, {}, { 'x-upstream-behave': 'slow=1500' });
  await until(
    () => query(world, 'SELECT state FROM claims WHERE key = $1', [`commitment:${claimsIn(attestation).jti}`]),
    ([claim]) => claim?.state === 'working',
  );
  await revoke(attestation);

  expect(await json(await answer)).toMatchObject({ status: 402, code: 'attestation_revoked' });
  expect((await booksOf(world, bundle.customerId)).available.atoms).toBe(100n * CENT);
});

test('bound to requirements, it pays for what was offered so', async () => {
  const row = await creditAskedFor(chat(world.url, undefined));
  const change = { resource: `sha256:${canonicalHash(row)}`, audience: world.url, amount: row.amount };
  const attestation = await attestationOf(authorize(world, bundle, change));

  expect(await refusalOf(send(attestation, {}, {}, world.url, { ...row, amount: '7' }))).toMatchObject({
    code: 'attestation_invalid',
  });
  expect((await send(attestation, {}, {}, world.url, row)).status).toBe(200);
});

test('copies at two replicas: one execution, one charge, one answer for all', async () => {
  const attestation = await attestationOf(authorize(world, bundle));
  const calls = world.upstream.calls().length;

  const copies = Array.from({ length: 20 }, (_, copy) => send(attestation, {}, SLOW, world.replicas[copy % 2]?.url));
  const responses = await Promise.all(copies);
  const answers = await Promise.all(responses.map((response) => response.text()));

  expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
  expect(new Set(answers).size).toBe(1);
  expect(new Set(responses.map(({ headers }) => headers.get('payment-response'))).size).toBe(1);
  expect(world.upstream.calls().length - calls).toBe(1);
});

test('and the outcome is kept: a later copy gets it, with another request it gets nothing', async () => {
  const attestation = await attestationOf(authorize(world, bundle));
  const first = await send(attestation);
  const { available } = await booksOf(world, bundle.customerId);

  const again = await send(attestation);
  expect(again.headers.get('x-tollbridge-replayed')).toBe('true');
  expect(await again.text()).toBe(await first.text());
  expect(receiptOf(again)).toEqual(receiptOf(first));
  expect(await refusalOf(send(attestation, { max_tokens: 49 }))).toMatchObject({ code: 'attestation_invalid' });
  expect((await booksOf(world, bundle.customerId)).available).toEqual(available);
});

test('every answer names its commitment', async () => {
  const attestation = await attestationOf(authorize(world, bundle));

  expect(receiptOf(await send(attestation)).extra.commitmentId).toBe(claimsIn(attestation).jti);
});

test('a charge above what was attested is cut to it', async () => {
  // The model gives more than its configuration says: a ceiling of a cent, an answer for five.
  const pricing = world.app.get(PricingService);
  const leaky = { ...pricing.modelFor('flat', '/v1/chat/completions'), id: 'leaky', maxOutputTokens: 10 };
  await pricing.putModel(leaky);
  await pricing.addPrice('leaky', { outputNanoPerMillion: 100_000_000_000n }, new Date(0));
  const attestation = await attestationOf(authorize(world, bundle, { amount: '1' }));
  const response = await send(
    attestation,
    { model: 'leaky', max_tokens: undefined },
    { 'x-upstream-behave': 'tokens=500' },
  );

  expect(response.status).toBe(200);
  expect(receiptOf(response).extra.chargedAmount).toBe('1');
  expect((await booksOf(world, bundle.customerId)).available.atoms).toBe(99n * CENT);
});

test('credit that is frozen after it was attested still pays: the hold was made in time', async () => {
  const attestation = await attestationOf(authorize(world, bundle));
  await post(world, `/admin/bundles/${bundle.customerId}/freeze`, world.adminToken, {});

  expect((await send(attestation)).status).toBe(200);
  expect(await query(world, 'SELECT state FROM commitments WHERE bundle_id = $1', [bundle.customerId])).toEqual([
    { state: 'settled' },
  ]);
});
