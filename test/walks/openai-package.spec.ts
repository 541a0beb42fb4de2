import OpenAI, { AuthenticationError, NotFoundError } from 'openai';
import { booksOf, decimal, usageOf } from '../support/calls';
import { customerWith, startWorld, type World } from '../support/world';

const CREDIT = 1_000_000_000n;
const HELLO = { model: 'gpt-4o-mini', max_tokens: 30, messages: [{ role: 'user' as const, content: 'Hello' }] };

/** The package as it comes from npm, with a base URL and a key, and nothing else. */
describe('the openai package', () => {
  let world: World;
  let client: OpenAI;
  let customerId: string;

  beforeAll(async () => {
    world = await startWorld();
    const customer = await customerWith(world, CREDIT);
    customerId = customer.customerId;
    client = new OpenAI({ baseURL: `${world.url}/v1`, apiKey: customer.key });
  });
  afterAll(() => world?.stop());

  it('completes a chat', async () => {
    const { data, response } = await client.chat.completions.create(HELLO).withResponse();
    expect(data.choices[0]?.message.content).not.toBe('');
    expect(response.headers.get('x-tollbridge-cost')).toBe((data.usage as any).cost);
  });

  it('streams, with usage and its cost at the end', async () => {
    const stream = await client.chat.completions.create({
      ...HELLO,
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let usage: any;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage ?? usage;
    }
    expect(text).not.toBe('');
    const rows = await usageOf(world, customerId);
    expect(usage.cost).toBe(decimal(rows.at(-1).atoms));
  });

  it('makes a legacy completion, embeddings, images, and lists models', async () => {
    const completion = await client.completions.create({ model: 'gpt-3.5-turbo-instruct', prompt: 'Once' });
    expect(completion.choices[0]?.text).not.toBe('');
    // The package asks for base64 and decodes it.
    const { data } = await client.embeddings.create({ model: 'text-embedding-3-small', input: 'Hello' });
    expect(data[0]?.embedding.length).toBeGreaterThan(100);
    const images = await client.images.generate({ model: 'dall-e-3', prompt: 'A bridge', response_format: 'b64_json' });
    expect(images.data?.[0]?.b64_json).toMatch(/^[\w+/=]+$/);
    const models = await client.models.list();
    expect(models.data.map(({ id }) => id)).toContain('gpt-4o-mini');
    const { held } = await booksOf(world, customerId);
    expect(held.atoms).toBe(0n);
  });

  it('aborts a stream, and pays for it', async () => {
    const stream = await client.chat.completions.create(
      { ...HELLO, stream: true },
      { headers: { 'x-upstream-behave': 'chunk-delay=5' } },
    );
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
    expect(stream.controller.signal.aborted).toBe(true);
  });

  describe('reads our errors', () => {
    const errorOf = (call: Promise<unknown>): Promise<any> =>
      call.then(
        () => undefined,
        (error: unknown) => error,
      );

    it('401', async () => {
      const stranger = new OpenAI({ baseURL: `${world.url}/v1`, apiKey: 'sk-wrong' });
      const error = await errorOf(stranger.chat.completions.create(HELLO));
      expect(error).toBeInstanceOf(AuthenticationError);
      expect(error).toMatchObject({ status: 401, code: 'invalid_api_key', message: '401 The API key is not known.' });
    });

    it('402', async () => {
      const { key } = await customerWith(world, 1n);
      const poor = new OpenAI({ baseURL: `${world.url}/v1`, apiKey: key });
      const error = await errorOf(poor.chat.completions.create(HELLO));
      expect(error.status).toBe(402);
      // x402 v1 demands that `error` is a text: the package shows it.
      expect(error.message).toContain('insufficient_credit');
    });

    it('404', async () => {
      const error = await errorOf(client.chat.completions.create({ ...HELLO, model: 'gpt-9' }));
      expect(error).toBeInstanceOf(NotFoundError);
      expect(error.message).toContain('There is no model "gpt-9"');
    });

    it('an upstream that breaks off in mid-stream', async () => {
      const stream = await client.chat.completions.create(
        { ...HELLO, stream: true },
        { headers: { 'x-upstream-behave': 'reset-mid=3' } },
      );
      const error = await errorOf(
        (async () => {
          for await (const chunk of stream) expect(chunk.id).toBeDefined();
        })(),
      );
      expect(error.message).toContain('The answer broke off');
    });
  });
});
