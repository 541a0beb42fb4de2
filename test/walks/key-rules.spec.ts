import { ApiKeysService, type NewKey } from '../../src/customers/api-keys.service';
import { booksOf, decimal, expectSoundBooks, json, post, query, until, usageOf } from '../support/calls';
import { chat, customerWith, startWorld, type World, giveCredit } from '../support/world';

describe('which key may pay for what', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld({ PUBLIC_URL: 'https://tollbridge.example' });
  });
  afterAll(() => world?.stop());

  const keyOf = async (customerId: string, more: Partial<NewKey>): Promise<{ id: string; secret: string }> => {
    const rules: NewKey = { name: 'special', scopes: ['inference'], models: null, expiresAt: null, ...more };
    const { key, secret } = await world.app.get(ApiKeysService).create(customerId, rules);
    return { id: key.id, secret };
  };
  const expectRefused = async (response: Response, status: number, code: string): Promise<any> => {
    expect(response.status).toBe(status);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    const problem = await json(response);
    expect(problem).toMatchObject({ status, code, detail: expect.any(String), hint: expect.any(String) });
    return problem;
  };

  it('no key: 402 with every way to pay', async () => {
    const response = await chat(world.url, undefined);
    const problem = await expectRefused(response, 402, 'payment_required');
    expect(problem).toMatchObject({ x402Version: 1, topUpUrl: 'https://tollbridge.example/v1/topups' });
    const required = JSON.parse(Buffer.from(response.headers.get('payment-required') as string, 'base64').toString());
    expect(required).toMatchObject({
      x402Version: 2,
      resource: { url: 'https://tollbridge.example/v1/chat/completions' },
    });
  });

  it('a wrong, a revoked, an expired key: 401', async () => {
    const { customerId } = await customerWith(world, 1_000_000_000n);
    for (const wrong of ['tb_wrong', `tb_${'A'.repeat(43)}`, 'sk-proj-something', `tb_${"'".repeat(43)}`]) {
      const response = await chat(world.url, wrong);
      await expectRefused(response, 401, 'invalid_api_key');
      expect(response.headers.get('www-authenticate')).toContain('Bearer');
    }
    const revoked = await keyOf(customerId, {});
    expect((await chat(world.url, revoked.secret)).status).toBe(200);
    await world.app.get(ApiKeysService).revoke(revoked.id);
    await expectRefused(await chat(world.url, revoked.secret), 401, 'api_key_revoked');
    const expired = await keyOf(customerId, { expiresAt: new Date(Date.now() - 1000) });
    await expectRefused(await chat(world.url, expired.secret), 401, 'api_key_expired');
    const served = world.upstream.calls().length;
    expect(served).toBe(1);
  });

  it('a key without the scope, or for other models: 403', async () => {
    const { customerId } = await customerWith(world, 1_000_000_000n);
    const billing = await keyOf(customerId, { scopes: ['billing'] });
    await expectRefused(await chat(world.url, billing.secret), 403, 'scope_missing');
    const narrow = await keyOf(customerId, { models: ['text-embedding-3-small'] });
    const problem = await expectRefused(await chat(world.url, narrow.secret), 403, 'model_not_allowed');
    expect(problem.hint).toContain('text-embedding-3-small');
    const embedding = { model: 'text-embedding-3-small', input: 'x' };
    expect((await post(world, '/v1/embeddings', narrow.secret, embedding)).status).toBe(200);
  });

  it('not enough credit: 402 that says how much is missing and where to get it', async () => {
    const { key, customerId } = await customerWith(world, 1_000n);
    const problem = await expectRefused(await chat(world.url, key), 402, 'insufficient_credit');
    expect(problem).toMatchObject({
      topUpUrl: 'https://tollbridge.example/v1/topups',
      available: '0.000001',
      currency: 'USD',
    });
    const [required, missing] = [problem.required, problem.missing].map((text: string) =>
      Math.round(Number(text) * 1e9),
    );
    expect(required as number).toBe((missing as number) + 1_000);
    expect(await usageOf(world, customerId)).toEqual([]);
    // With what was missing, it works.
    await giveCredit(world, customerId, BigInt(missing as number));
    expect((await chat(world.url, key)).status).toBe(200);
    await expectSoundBooks(world);
  });

  it('credit that is tied up in calls in flight: another code, and Retry-After', async () => {
    const { key, customerId } = await customerWith(world, 150_000_000n);
    const flight = chat(world.url, key, { model: 'flat' }, { 'x-upstream-behave': 'slow=1500' });
    await until(
      async () => (await booksOf(world, customerId)).held.atoms,
      (atoms) => atoms === 100_000_000n,
    );
    const response = await chat(world.url, key, { model: 'flat' });
    const problem = await expectRefused(response, 402, 'credit_in_flight');
    expect(response.headers.get('retry-after')).toBe('1');
    expect(problem).toMatchObject({ available: decimal(50_000_000n), missing: decimal(50_000_000n) });
    expect((await flight).status).toBe(200);
    // Now nothing is in flight, and the money is simply not there.
    await expectRefused(await chat(world.url, key, { model: 'flat' }), 402, 'insufficient_credit');
  });

  it('an overrun freezes the customer until it is repaid', async () => {
    const { key, customerId } = await customerWith(world, 10_000_000n);
    // More than the maximum that was held: the provider does not keep to it.
    const overrun = await chat(
      world.url,
      key,
      { max_tokens: undefined, model: 'leaky' },
      { 'x-upstream-behave': 'tokens=50000' },
    );
    expect(overrun.status).toBe(200);
    const { owed, frozen, posted } = await booksOf(world, customerId);
    expect(owed).toBeGreaterThan(0n);
    expect([frozen, posted.atoms]).toEqual([true, 0n]);
    await expectRefused(await chat(world.url, key), 402, 'credit_owed');
    await giveCredit(world, customerId, owed - 1n);
    await expectRefused(await chat(world.url, key), 402, 'credit_owed');
    await giveCredit(world, customerId, 1_000_000_000n);
    expect((await chat(world.url, key)).status).toBe(200);
    expect((await booksOf(world, customerId)).owed).toBe(0n);
    await expectSoundBooks(world);
  });

  it('a model that is not known: 404 that lists those that are', async () => {
    const { key } = await customerWith(world, 1_000_000_000n);
    const problem = await expectRefused(await chat(world.url, key, { model: 'gpt-9' }), 404, 'model_not_found');
    expect(problem.models).toEqual(['flat', 'gpt-4o-mini', 'leaky']);
    expect(problem.error.message).toContain('gpt-9');
    // Also one of another endpoint, and without any key.
    await expectRefused(await chat(world.url, key, { model: 'dall-e-3' }), 404, 'model_not_found');
    await expectRefused(await chat(world.url, undefined, { model: 'x'.repeat(5000) }), 404, 'model_not_found');
  });

  beforeAll(async () => {
    await query(
      world,
      `INSERT INTO models (id, endpoints, max_output_tokens) VALUES ('leaky', '{/v1/chat/completions}', 10)`,
    );
    await query(
      world,
      `INSERT INTO prices (id, model_id, version, effective_from, rates)
       VALUES ('price_leaky', 'leaky', 1, 'epoch', '{"outputNanoPerMillion":"600000000"}')`,
    );
    // Another process changed the prices: this one hears of it.
    await until(
      async () => json(await fetch(`${world.url}/v1/models`)),
      ({ data }) => data.some((model: { id: string }) => model.id === 'leaky'),
    );
  });
});
