import { booksOf, json, post, query } from '../support/calls';
import {
  attestationOf,
  authorize,
  claimsIn,
  type CreditWorld,
  expectCreditBooks,
  registerServer,
  startCreditWorld,
} from '../support/credit-world';
import { customerWith } from '../support/world';
import { ApiKeysService } from '../../src/customers/api-keys.service';
import { CommitmentsService } from '../../src/payments/authority/commitments.service';

/*
 * The draft `credit` binding of x402 batch-settlement, sections on authorization, attestations and keys: what an
 * authority must do, one test each.
 */

const CENT = 10_000_000n;

let world: CreditWorld;
let bundle: { customerId: string; key: string };

beforeAll(async () => {
  world = await startCreditWorld();
});
beforeEach(async () => {
  bundle = await customerWith(world, 100n * CENT);
});
afterEach(() => expectCreditBooks(world));
afterAll(() => world?.stop());

const held = async () => (await booksOf(world, bundle.customerId)).held.atoms;
const refusal = async (answer: Promise<Response>) => {
  const { status, code } = await json(await answer);
  return { status, code };
};

describe('authorize', () => {
  test('decrements and issues together: what is attested is held', async () => {
    const claims = claimsIn(await attestationOf(authorize(world, bundle, { amount: '7' })));

    expect(claims.amount).toBe('7');
    expect(await held()).toBe(7n * CENT);
  });

  test('issues nothing without the decrement', async () => {
    expect(await refusal(authorize(world, bundle, { amount: '101' }))).toEqual({
      status: 402,
      code: 'insufficient_credits',
    });
    expect(await held()).toBe(0n);
    expect(await query(world, 'SELECT 1 FROM commitments WHERE bundle_id = $1', [bundle.customerId])).toEqual([]);
  });

  test('a key that was refused for want of credit may be used again when there is some', async () => {
    const change = { idempotencyKey: 'later' };
    await authorize(world, bundle, { ...change, amount: '101' });

    expect((await authorize(world, bundle, change)).status).toBe(200);
  });

  test('an idempotency key is required', async () => {
    expect(await refusal(authorize(world, bundle, { idempotencyKey: undefined }))).toMatchObject({ status: 400 });
    expect(await held()).toBe(0n);
  });

  test('a repeat returns the first attestation and holds nothing more, also after it was settled', async () => {
    const shop = await registerServer(world, 'https://repeat.example');
    const change = { idempotencyKey: 'again', resource: `${shop.origin}/paid` };
    const first = await attestationOf(authorize(world, bundle, change));
    expect(await attestationOf(authorize(world, bundle, change))).toBe(first);
    expect(await held()).toBe(5n * CENT);

    const requirements = { scheme: 'batch-settlement', network: 'tollbridge:credit', amount: '5', asset: 'USD' };
    const paymentPayload = { payload: { type: 'consume', attestation: first } };
    const settle = { x402Version: 2, paymentPayload, paymentRequirements: requirements };
    expect(await json(await post(world, '/settle', shop.key, settle))).toMatchObject({ success: true });
    expect(await attestationOf(authorize(world, bundle, change))).toBe(first);
    expect(await held()).toBe(0n);
  });

  test.each([
    ['another amount', { amount: '6' }],
    ['another resource', { resource: 'https://other.example/paid' }],
    ['another audience', { audience: 'https://other.example' }],
  ])('the same key with %s is a conflict, and holds nothing', async (_what, change) => {
    await attestationOf(authorize(world, bundle, { idempotencyKey: 'once' }));

    expect(await refusal(authorize(world, bundle, { idempotencyKey: 'once', ...change }))).toEqual({
      status: 409,
      code: 'idempotency_conflict',
    });
    expect(await held()).toBe(5n * CENT);
  });

  test('another asset than its bundle has is refused', async () => {
    expect(await refusal(authorize(world, bundle, { asset: 'EUR' }))).toMatchObject({ status: 400 });
  });

  test('the binding of a key is kept at least until holdExp', async () => {
    const { jti, holdExp } = claimsIn(await attestationOf(authorize(world, bundle)));

    const kept = await world.app.get(CommitmentsService).find(jti);
    expect(kept?.holdExp).toEqual(new Date(holdExp * 1000));
  });

  test('a bundle opens to its own credential alone', async () => {
    const { customerId } = await customerWith(world, 100n * CENT);

    expect(await refusal(authorize(world, { ...bundle, customerId }))).toEqual({
      status: 404,
      code: 'bundle_not_found',
    });
    expect(await refusal(authorize(world, { ...bundle, key: 'tb_nobody' }))).toMatchObject({ status: 401 });
  });

  test.each([
    [['billing'], null, 'scope_missing'],
    [['inference'], ['gpt-4o-mini'], 'key_limited_to_models'],
  ] as const)('a key of scope %s for models %p cannot sign away its limits', async (scopes, models, code) => {
    const limits = { name: 'limited', scopes, models, expiresAt: null };
    const { secret } = await world.app.get(ApiKeysService).create(bundle.customerId, limits);

    expect(await refusal(authorize(world, { ...bundle, key: secret }))).toEqual({ status: 403, code });
  });

  test('a frozen bundle gets nothing signed, until it is thawed', async () => {
    const set = (what: string) => post(world, `/admin/bundles/${bundle.customerId}/${what}`, world.adminToken, {});
    expect((await set('freeze')).status).toBe(200);

    expect(await refusal(authorize(world, bundle))).toEqual({ status: 403, code: 'bundle_revoked' });
    expect(await held()).toBe(0n);
    await set('unfreeze');
    expect((await authorize(world, bundle)).status).toBe(200);
  });

  test('nothing is held for a server that could not settle it', async () => {
    for (const resource of ['https://stranger.example/paid', `sha256:${'a'.repeat(64)}`]) {
      expect(await refusal(authorize(world, bundle, { resource }))).toEqual({
        status: 400,
        code: 'unknown_resource_server',
      });
    }
    expect(await held()).toBe(0n);
  });

  test.each(['0', '-1', '1.5', '01', '1e3', '', '9'.repeat(40), 5, null])('%p is no amount', async (amount) => {
    expect(await refusal(authorize(world, bundle, { amount }))).toMatchObject({ status: 400 });
  });
});

describe('attestation', () => {
  test('has every claim, exp in minutes and holdExp after it', async () => {
    const resource = `${world.url}/v1/chat/completions`;
    const claims = claimsIn(await attestationOf(authorize(world, bundle, { resource })));

    expect(claims).toEqual({
      iss: world.url,
      sub: bundle.customerId,
      iat: expect.any(Number),
      exp: claims.iat + 5 * 60,
      holdExp: claims.exp + 60 * 60,
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      amount: '5',
      asset: 'USD',
      aud: world.url,
      resource,
    });
  });

  test('a server that settles in batches has a day after exp', async () => {
    const { origin } = await registerServer(world, 'https://deferred.example', { deferred: true });
    const claims = claimsIn(await attestationOf(authorize(world, bundle, { resource: `${origin}/paid` })));

    expect(claims.holdExp - claims.exp).toBe(24 * 60 * 60);
  });

  test('may be bound to requirements instead of a URL, for a server that is named', async () => {
    const resource = `sha256:${'a'.repeat(64)}`;
    const claims = claimsIn(await attestationOf(authorize(world, bundle, { resource, audience: world.url })));

    expect(claims).toMatchObject({ resource, aud: world.url });
  });

  test('its key is published at the well-known place of its issuer, by kid', async () => {
    const attestation = await attestationOf(authorize(world, bundle));
    const { kid, alg } = JSON.parse(Buffer.from(attestation.split('.')[0] ?? '', 'base64url').toString());
    const response = await fetch(`${claimsIn(attestation).iss}/.well-known/jwks.json`);

    expect(response.headers.get('cache-control')).toBe('public, max-age=300');
    const { keys } = await json(response);
    expect(alg).toBe('EdDSA');
    expect(keys).toContainEqual(expect.objectContaining({ kid, kty: 'OKP', crv: 'Ed25519' }));
    expect(JSON.stringify(keys)).not.toContain('"d"');
  });
});
