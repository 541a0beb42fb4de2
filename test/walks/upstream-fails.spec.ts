import { booksOf, costOf, eventsOf, expectSoundBooks, invoicesOf, json, post, textOf, usageOf } from '../support/calls';
import { chat, customerWith, startWorld, type World } from '../support/world';

const CREDIT = 1_000_000_000n;

describe('an upstream that fails', () => {
  let world: World;
  let customerId: string;
  let key: string;

  beforeAll(async () => {
    world = await startWorld({ UPSTREAM_TIMEOUT_MS: '1500' });
  });
  afterAll(() => world?.stop());
  beforeEach(async () => {
    ({ customerId, key } = await customerWith(world, CREDIT));
  });
  afterEach(async () => {
    expect((await booksOf(world, customerId)).held.atoms).toBe(0n);
    await expectSoundBooks(world);
  });

  const call = (behave: string, body: object = {}) =>
    chat(world.url, key, { max_tokens: 500, ...body }, { 'x-upstream-behave': behave, origin: 'https://a.example' });

  describe.each([false, true])('before its first byte (stream: %s)', (stream) => {
    it.each([
      ['fail=500', 502, 'upstream_failed'],
      ['fail=503', 503, 'upstream_busy'],
      ['fail=429', 503, 'upstream_busy'],
      ['fail=401', 502, 'upstream_failed'],
      ['fail=403', 502, 'upstream_failed'],
      ['reset', 502, 'upstream_failed'],
      ['hang', 502, 'upstream_failed'],
    ])('%s: %i, nothing is charged', async (behave, status, code) => {
      const response = await call(behave, { stream });
      expect(response.status).toBe(status);
      expect(response.headers.get('content-type')).toContain('application/problem+json');
      expect(response.headers.get('retry-after')).toBe(status === 503 ? '1' : null);
      const problem = await response.text();
      expect(JSON.parse(problem)).toMatchObject({ code, status, hint: expect.stringContaining('Nothing was charged') });
      // Neither its words nor its address are the caller's business.
      expect(problem).not.toMatch(/told to fail|127\.0\.0\.1|ECONN|undici/);
      const [usage] = await usageOf(world, customerId);
      expect(usage).toMatchObject({ status: 'failed', error_code: code, atoms: 0n, usage_source: 'none' });
      expect(usage).toMatchObject({ input_tokens: null, output_tokens: null, invoice_id: null });
      expect(await invoicesOf(world, customerId)).toEqual([]);
      expect((await booksOf(world, customerId)).posted.atoms).toBe(CREDIT);
    });
  });

  it.each(['bad-json', 'fail-mid', 'reset-mid', 'eof-mid'])(
    'in an answer in one piece (%s): nothing',
    async (behave) => {
      const response = await call(behave);
      expect(response.status).toBe(502);
      expect((await json(response)).code).toBe('upstream_failed');
      const [usage] = await usageOf(world, customerId);
      expect(usage).toMatchObject({ status: 'failed', atoms: 0n });
      expect((await booksOf(world, customerId)).posted.atoms).toBe(CREDIT);
    },
  );

  it.each(['fail-mid', 'reset-mid', 'eof-mid'])(
    'in mid-stream (%s): the caller is told, and charged what it got (TC-27, TC-28)',
    async (behave) => {
      const response = await call(`${behave}=7,tokens=300`, { stream: true });
      const text = await response.text();
      const events = eventsOf(text);
      expect(text).not.toContain('[DONE]');
      expect(text).not.toContain('told to fail');
      expect(events.at(-1).error).toMatchObject({ code: 'upstream_interrupted', type: 'server_error' });
      const [usage] = await usageOf(world, customerId);
      expect(usage).toMatchObject({ status: 'interrupted', error_code: 'upstream_interrupted', output_tokens: 7n });
      expect(usage.usage_source).toBe('gateway_count');
      const atoms = costOf([Number(usage.input_tokens), 150_000_000n], [7, 600_000_000n]);
      expect((await booksOf(world, customerId)).posted.atoms).toBe(CREDIT - atoms);
      expect(atoms).toBeLessThan(usage.held_atoms / 10n);
      expect(await invoicesOf(world, customerId)).toHaveLength(1);
      expect(textOf(events).split(' ').length).toBeGreaterThan(2);
    },
  );

  it.each(['fail-mid=0', 'reset-mid=0', 'eof-mid=0'])(
    'in a stream that has delivered nothing yet (%s): nothing is charged (TC-28)',
    async (behave) => {
      const events = eventsOf(await (await call(behave, { stream: true })).text());
      expect(events.at(-1)).toMatchObject({ error: { code: 'upstream_interrupted' }, usage: { cost: '0' } });
      const [usage] = await usageOf(world, customerId);
      expect(usage).toMatchObject({ status: 'failed', atoms: 0n, invoice_id: null });
      expect((await booksOf(world, customerId)).posted.atoms).toBe(CREDIT);
    },
  );

  it('in one event of a stream (bad-json): the rest is delivered and its report is billed', async () => {
    const response = await call('bad-json,tokens=9', { stream: true, stream_options: { include_usage: true } });
    const text = await response.text();
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
    expect((await usageOf(world, customerId))[0]).toMatchObject({ status: 'succeeded', output_tokens: 9n });
  });

  it.each([400, 404, 422])('with the caller to blame (%i): passes through and costs nothing', async (status) => {
    for (const stream of [false, true]) {
      const response = await call(`fail=${status}`, { stream });
      expect(response.status).toBe(status);
      expect((await json(response)).error.message).toContain('told to fail');
      expect(response.headers.get('access-control-allow-origin')).toBe('https://a.example');
    }
    const rows = await usageOf(world, customerId);
    expect(rows.map((row) => [row.status, row.error_code, row.atoms])).toEqual([
      ['failed', `upstream_${status}`, 0n],
      ['failed', `upstream_${status}`, 0n],
    ]);
    expect((await booksOf(world, customerId)).posted.atoms).toBe(CREDIT);
  });

  it('and is well again: the next call is answered', async () => {
    await call('reset');
    expect((await call('tokens=3')).status).toBe(200);
    expect((await post(world, '/v1/chat/completions', key, { model: 'gpt-4o-mini', messages: [] })).status).toBe(400);
  });
});
