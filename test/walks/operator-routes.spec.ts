import { startTestApp, type TestApp } from '../support/app';

describe("the operator's routes", () => {
  let world: TestApp;

  beforeAll(async () => {
    world = await startTestApp();
  });
  afterAll(() => world?.stop());

  const send = async (method: string, path: string, body?: unknown, token = world.adminToken) => {
    const answer = await fetch(`${world.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as any, headers: answer.headers };
  };

  describe('customers and keys', () => {
    let customerId: string;

    beforeAll(async () => {
      customerId = (await send('POST', '/admin/customers', { name: 'Acme', email: 'books@acme.example' })).body.id;
    });

    it('makes, finds and lists customers', async () => {
      const made = (await send('GET', `/admin/customers/${customerId}`)).body;
      expect(made).toMatchObject({
        kind: 'organisation',
        name: 'Acme',
        email: 'books@acme.example',
        walletAddress: null,
      });
      const second = (await send('POST', '/admin/customers', { name: 'Second' })).body.id;
      const first = (await send('GET', '/admin/customers?limit=1')).body;
      expect(first.data.map((customer: any) => customer.id)).toEqual([second]);
      const next = (await send('GET', `/admin/customers?limit=1&after=${first.next}`)).body;
      expect(next.data.map((customer: any) => customer.id)).toEqual([customerId]);
    });

    it('shows a secret once, and never again', async () => {
      const made = await send('POST', `/admin/customers/${customerId}/keys`, { name: 'production' });
      expect(made.status).toBe(201);
      expect(made.headers.get('cache-control')).toBe('no-store');
      expect(made.body).toMatchObject({ customerId, scopes: ['inference', 'billing'], models: null, expiresAt: null });
      expect((await send('GET', '/v1/invoices', undefined, made.body.secret)).status).toBe(200);
      const listed = await send('GET', `/admin/customers/${customerId}/keys`);
      expect(listed.body.data).toHaveLength(1);
      expect(JSON.stringify(listed.body)).not.toContain(made.body.secret);
    });

    it('rotates with a grace, and revokes at once', async () => {
      const { body: old } = await send('POST', `/admin/customers/${customerId}/keys`, {
        name: 'one model',
        scopes: ['billing'],
        models: ['meta/llama'],
      });
      const { body: fresh } = await send('POST', `/admin/keys/${old.id}/rotate`, { graceSeconds: 3600 });
      expect(fresh).toMatchObject({ name: 'one model', scopes: ['billing'], models: ['meta/llama'] });
      for (const secret of [old.secret, fresh.secret]) {
        expect((await send('GET', '/v1/invoices', undefined, secret)).status).toBe(200);
      }
      const revoked = await send('POST', `/admin/keys/${old.id}/revoke`);
      expect([revoked.status, revoked.body.revokedAt]).toEqual([200, expect.any(String)]);
      expect((await send('GET', '/v1/invoices', undefined, old.secret)).body.code).toBe('api_key_revoked');
      expect((await send('POST', `/admin/keys/${old.id}/revoke`)).body.revokedAt).toBe(revoked.body.revokedAt);
    });

    it.each([
      ['/admin/customers', { name: '' }, 400, 'invalid_request'],
      ['/admin/customers', { name: 'x', plan: 'gold' }, 400, 'invalid_request'],
      ['/admin/customers/cus_none/keys', { name: 'x' }, 404, 'customer_not_found'],
      ['/admin/customers/cus_none/keys', { name: 'x', scopes: ['root'] }, 400, 'invalid_request'],
      ['/admin/customers/cus_none/keys', { name: 'x', expiresAt: '2020-01-01T00:00:00Z' }, 400, 'key_expired_at_birth'],
      ['/admin/keys/key_none/revoke', undefined, 404, 'key_not_found'],
    ])('refuses POST %s %j', async (path, body, status, code) => {
      const answer = await send('POST', path, body);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
    });
  });

  describe('models and prices', () => {
    const model = { id: 'meta/llama-4', endpoints: ['/v1/chat/completions'], usageConvention: 'openai' };

    it('makes a model with slashes in its name and gives it prices, version by version', async () => {
      const put = await send('PUT', '/admin/models', {
        ...model,
        upstreamUrl: 'http://127.0.0.1:9',
        maxOutputTokens: 100,
      });
      expect(put.body).toMatchObject({ ...model, encoding: 'o200k_base', upstreamModel: null, provider: 'upstream' });
      const unpriced = (await send('GET', '/admin/models')).body.data;
      expect(unpriced).toMatchObject([{ id: 'meta/llama-4', price: null }]);

      const rates = { inputNanoPerMillion: '150000000', outputNanoPerMillion: '600000000' };
      const first = await send('POST', '/admin/prices', { model: model.id, rates });
      expect([first.status, first.body]).toEqual([201, expect.objectContaining({ version: 1, rates })]);
      const later = { model: model.id, rates: { perRequestNano: '5' }, effectiveFrom: '2999-01-01' };
      expect((await send('POST', '/admin/prices', later)).body.version).toBe(2);
      const again = await send('POST', '/admin/prices', later);
      expect([again.status, again.body.code]).toEqual([409, 'price_exists']);
      expect((await send('GET', '/admin/models')).body.data).toMatchObject([{ price: { version: 1 } }]);
      const history = (await send('GET', `/admin/prices?model=${encodeURIComponent(model.id)}`)).body.data;
      expect(history.map(({ version }: any) => version)).toEqual([2, 1]);
    });

    it.each([
      [{ model: 'none', rates: {} }, 404, 'model_not_found'],
      [{ model: model.id, rates: { inputNanoPerMillion: 150 } }, 400, 'invalid_rates'],
      [{ model: model.id, rates: { input: '150' } }, 400, 'invalid_rates'],
      [{ model: model.id, rates: {}, effectiveFrom: '2020-01-01' }, 400, 'price_in_the_past'],
      [{ model: model.id }, 400, 'invalid_request'],
    ])('refuses the price %j', async (body, status, code) => {
      const answer = await send('POST', '/admin/prices', body);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
    });

    it.each([
      { ...model, usageConvention: undefined },
      { ...model, endpoints: ['/v1/nothing'] },
      { ...model, upstreamKeyEnv: 'sk-a-key-itself' },
      { ...model, upstreamUrl: 'file:///etc/passwd' },
    ])('refuses the model %j', async (body) => {
      expect((await send('PUT', '/admin/models', body)).body.code).toBe('invalid_request');
    });
  });

  describe('/docs/openapi.json', () => {
    const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
    let document: any;
    let operations: { route: string; operation: any }[];

    beforeAll(async () => {
      document = (await send('GET', '/docs/openapi.json')).body;
      operations = Object.entries<any>(document.paths).flatMap(([path, item]) =>
        METHODS.filter((method) => item[method]).map((method) => ({
          route: `${method} ${path}`,
          operation: item[method],
        })),
      );
    });

    it('names nothing that it does not define', () => {
      const text = JSON.stringify(document);
      const names = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name as string);
      expect(names.length).toBeGreaterThan(20);
      for (const name of new Set(names)) expect(document.components.schemas).toHaveProperty([name]);
    });

    it('gives every operation a name of its own', () => {
      const ids = operations.map(({ operation }) => operation.operationId);
      expect(new Set(ids).size).toBe(ids.length);
    });

    it('says what each of these routes answers, and who may ask', () => {
      const ours = operations.filter(({ route }) => / \/(admin|v1\/invoices|v1\/exports)/.test(route));
      expect(ours.length).toBeGreaterThanOrEqual(36);
      for (const { route, operation } of ours) {
        const success: any = Object.entries<any>(operation.responses).find(([status]) => status.startsWith('2'))?.[1];
        const schemas = Object.values<any>(success?.content ?? {}).map(({ schema }) => schema);
        expect([route, schemas.length > 0 && schemas.every((schema) => schema.$ref ?? schema.type)]).toEqual([
          route,
          true,
        ]);
        expect([route, operation.security]).toEqual([
          route,
          route.endsWith('{id}') && route.includes('invoices') ? [] : [{ bearer: [] }],
        ]);
        const parameters = [...route.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        const named = (operation.parameters ?? [])
          .filter((parameter: any) => parameter.in === 'path')
          .map(({ name }: any) => name);
        expect([route, named]).toEqual([route, parameters]);
      }
    });
  });
});
