import { booksOf, costOf, expectSoundBooks, lastCall } from '../support/calls';
import { chat, customerWith, startWorld, type World } from '../support/world';

const CREDIT = 1_000_000_000n;

/** Credentials, identities and payments of a caller. */
const SECRETS: Record<string, string> = {
  cookie: 'session=secret-of-the-caller',
  'x-api-key': 'secret-of-the-caller',
  'api-key': 'secret-of-the-caller',
  'openai-organization': 'secret-of-the-caller',
  'openai-project': 'secret-of-the-caller',
  'proxy-authorization': 'Basic secret-of-the-caller',
  'settlement-overrides': '{"amount":"0"}',
  'payment-identifier': 'secret-of-the-caller',
  'x-payment-anything': 'secret-of-the-caller',
  'proof-of-payment': 'secret-of-the-caller',
  'wallet-provider': 'secret-of-the-caller',
  'sign-in-with-x': 'secret-of-the-caller',
  'idempotency-key': 'secret-of-the-caller',
  'x-forwarded-for': '203.0.113.9',
  'x-real-ip': '203.0.113.9',
  forwarded: 'for=203.0.113.9',
};

describe('headers that never pass', () => {
  let world: World;
  let customerId: string;
  let key: string;

  beforeAll(async () => {
    world = await startWorld({ UPSTREAM_API_KEY: 'sk-of-the-operator' });
    ({ customerId, key } = await customerWith(world, CREDIT));
  });
  afterAll(() => world?.stop());

  it.each([false, true])(
    "a caller's credentials and payments are not the upstream's business (stream: %s)",
    async (stream) => {
      const harmless = { 'x-title': 'My app', 'user-agent': 'acme/1.0', 'x-stainless-lang': 'js' };
      const idempotencyKey = `secret-of-the-caller-${stream}`;
      const headers = { ...SECRETS, ...harmless, 'idempotency-key': idempotencyKey };
      const response = await chat(world.url, key, { stream }, headers);
      expect(response.status).toBe(200);
      await response.text();
      const { requestHeaders } = lastCall(world);
      expect(requestHeaders.authorization).toBe('Bearer sk-of-the-operator');
      expect(requestHeaders).toMatchObject({ ...harmless, 'accept-encoding': 'identity' });
      for (const name of Object.keys(SECRETS)) expect(requestHeaders).not.toHaveProperty(name);
      expect(JSON.stringify(requestHeaders)).not.toMatch(/secret-of-the-caller|tb_|203\.0\.113/);
    },
  );

  it('a settlement override of the upstream neither reaches the caller nor changes the charge', async () => {
    for (const stream of [false, true]) {
      const before = (await booksOf(world, customerId)).posted.atoms;
      const response = await chat(
        world.url,
        key,
        { stream },
        { 'x-upstream-behave': 'settlement-override,set-cookie' },
      );
      expect(response.status).toBe(200);
      expect(response.headers.get('settlement-overrides')).toBeNull();
      expect(response.headers.get('payment-response')).toBeNull();
      expect(response.headers.get('set-cookie')).toBeNull();
      await response.text();
      const { prompt_tokens, completion_tokens } = lastCall(world).usage as any;
      const atoms = costOf([prompt_tokens, 150_000_000n], [completion_tokens, 600_000_000n]);
      expect((await booksOf(world, customerId)).posted.atoms).toBe(before - atoms);
    }
    await expectSoundBooks(world);
  });

  it("an override of the caller's own neither", async () => {
    const before = (await booksOf(world, customerId)).posted.atoms;
    const headers = { 'settlement-overrides': '{"amount":"0"}', 'x-tollbridge-cost': '0' };
    const response = await chat(world.url, key, {}, headers);
    expect(response.headers.get('x-tollbridge-cost')).not.toBe('0');
    expect((await booksOf(world, customerId)).posted.atoms).toBeLessThan(before);
  });

  it("the upstream's request id gives way to ours, which names the call everywhere", async () => {
    const response = await chat(world.url, key, {}, { 'x-request-id': 'chosen-by-the-caller' });
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    expect(response.headers.get('x-request-id')).not.toBe(lastCall(world).id);
  });
});
