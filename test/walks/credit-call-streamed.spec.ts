import {
  booksOf,
  costOf,
  decimal,
  eventsOf,
  expectSoundBooks,
  invoicesOf,
  json,
  lastCall,
  post,
  textOf,
  usageOf,
} from '../support/calls';
import { chat, customerWith, startWorld, type World } from '../support/world';

const CREDIT = 1_000_000_000n;
const INPUT = 150_000_000n;
const CACHED = 75_000_000n;
const OUTPUT = 600_000_000n;
const WITH_USAGE = { stream: true, stream_options: { include_usage: true } };

describe('a call that is answered as a stream', () => {
  let world: World;
  let customerId: string;
  let key: string;

  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world?.stop());
  beforeEach(async () => {
    ({ customerId, key } = await customerWith(world, CREDIT));
  });
  afterEach(async () => {
    expect((await booksOf(world, customerId)).held.atoms).toBe(0n);
    await expectSoundBooks(world);
  });

  const stream = async (body: Record<string, unknown> = {}, behave?: string) => {
    const headers: Record<string, string> = behave === undefined ? {} : { 'x-upstream-behave': behave };
    const response = await chat(world.url, key, { stream: true, ...body }, headers);
    expect(response.status).toBe(200);
    const text = await response.text();
    return { response, text, events: eventsOf(text) };
  };
  const charged = async (): Promise<bigint> => CREDIT - (await booksOf(world, customerId)).posted.atoms;

  it('shows usage and its cost in the last chunk before [DONE], if the caller asked for it', async () => {
    const { response, events } = await stream(WITH_USAGE);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(events.at(-1)).toBe('[DONE]');
    const { usage, choices } = events.at(-2);
    expect(choices).toEqual([]);
    const atoms = costOf([usage.prompt_tokens, INPUT], [usage.completion_tokens, OUTPUT]);
    expect(usage.cost).toBe(decimal(atoms));
    expect(await charged()).toBe(atoms);
    const [row] = await usageOf(world, customerId);
    const [invoice] = await invoicesOf(world, customerId);
    expect(row).toMatchObject({ stream: true, status: 'succeeded', usage_source: 'provider', atoms });
    expect(row.ttfb_ms).toBeLessThanOrEqual(row.latency_ms);
    expect(response.headers.get('x-tollbridge-invoice')).toBe(invoice.id);
    expect(response.headers.get('x-request-id')).toBe(row.id);
    expect(invoice.atoms).toBe(atoms);
  });

  it('asks the upstream for usage, and keeps it to itself if the caller did not ask', async () => {
    const { events } = await stream();
    expect(lastCall(world).body).toMatchObject({ stream_options: { include_usage: true } });
    expect(events.at(-1)).toBe('[DONE]');
    expect(events.every((event) => !event.usage)).toBe(true);
    expect(events.every((event) => event === '[DONE]' || event.choices.length > 0)).toBe(true);
    const { prompt_tokens, completion_tokens } = lastCall(world).usage as any;
    expect(await charged()).toBe(costOf([prompt_tokens, INPUT], [completion_tokens, OUTPUT]));
    await stream({ stream_options: { include_usage: false, include_obfuscation: true } });
    expect(lastCall(world).body).toMatchObject({ stream_options: { include_usage: true, include_obfuscation: true } });
    await stream({ stream_options: null });
    expect(lastCall(world).body).toMatchObject({ stream_options: { include_usage: true } });
  });

  it('changes no byte of the request but what billing needs', async () => {
    const body =
      ' {"seed":12345678901234567890,"model":"gpt-4o-mini", "stream":true,"max_tokens":3,"messages":[{"role":"user","content":"\\u00e9"}]}';
    await (await post(world, '/v1/chat/completions', key, body)).text();
    const added = '"stream_options":{"include_usage":true},';
    expect(Number(lastCall(world).requestHeaders['content-length'])).toBe(Buffer.byteLength(body) + added.length);
  });

  it('holds back its end until the capture is durable', async () => {
    const { key: slow, customerId: waiting } = await customerWith(world, CREDIT);
    const response = await chat(world.url, slow, WITH_USAGE, { 'x-upstream-behave': 'chunk-delay=5' });
    let seen = '';
    for await (const chunk of response.body as any) {
      seen += Buffer.from(chunk).toString();
      if (!seen.includes('"finish_reason":"stop"')) continue;
      // Whoever has seen the cost can see the invoice.
      if (seen.includes('"cost"')) expect(await invoicesOf(world, waiting)).toHaveLength(1);
    }
    expect(seen).toContain('"cost"');
  });

  it('delivers its first bytes before the upstream has finished', async () => {
    const before = world.upstream.calls().length;
    const response = await chat(world.url, key, { stream: true }, { 'x-upstream-behave': 'chunk-delay=40,tokens=30' });
    const reader = (response.body as any).getReader();
    let text = '';
    while (textOf(eventsOf(text)).length < 5) text += Buffer.from((await reader.read()).value).toString();
    // The upstream records a call when it ends.
    expect(world.upstream.calls()).toHaveLength(before);
    expect((await booksOf(world, customerId)).held.atoms).toBeGreaterThan(0n);
    for (let read = await reader.read(); !read.done; read = await reader.read())
      text += Buffer.from(read.value).toString();
    expect(text.endsWith('data: [DONE]\n\n')).toBe(true);
  });

  it.each(['split', 'comments', 'split,comments', 'chunk-delay=1,split'])(
    'passes content and comments through as they came (%s)',
    async (behave) => {
      const straight = await stream({ max_tokens: 40 });
      const bent = await stream({ max_tokens: 40 }, behave);
      expect(textOf(bent.events)).toBe(textOf(straight.events));
      expect(textOf(bent.events)).not.toBe('');
      expect(bent.text.includes(': OPENROUTER PROCESSING\n\n')).toBe(behave.includes('comments'));
      expect(bent.events.at(-1)).toBe('[DONE]');
      const [first, second] = await usageOf(world, customerId);
      expect(second.atoms).toBe(first.atoms);
    },
  );

  it('charges cached tokens and reasoning once (TC-33, TC-35)', async () => {
    const { events } = await stream(WITH_USAGE, 'cached=5,reasoning=7,tokens=4');
    const { usage } = events.at(-2);
    expect(await charged()).toBe(costOf([usage.prompt_tokens - 5, INPUT], [5, CACHED], [11, OUTPUT]));
  });

  it('bills the last report, not a placeholder in the first chunk, and keeps that chunk (TC-25)', async () => {
    const { events } = await stream(WITH_USAGE, 'placeholder-usage,tokens=20');
    expect(events[0].choices[0].delta.role).toBe('assistant');
    expect(events.at(-2).usage.completion_tokens).toBe(20);
    const { prompt_tokens } = lastCall(world).usage as any;
    expect(await charged()).toBe(costOf([prompt_tokens, INPUT], [20, OUTPUT]));
    const quiet = await stream({}, 'placeholder-usage,tokens=20');
    expect(quiet.events[0].choices[0].delta.role).toBe('assistant');
    expect(quiet.events.every((event) => !event.usage)).toBe(true);
  });

  it('reads usage beside an empty choice (TC-26)', async () => {
    const { events } = await stream(WITH_USAGE, 'usage-with-choices,cached=6,tokens=9');
    const last = events.at(-2);
    expect(last.usage).toMatchObject({ completion_tokens: 9, cost: expect.any(String) });
    expect(events.filter((event) => event.usage)).toHaveLength(1);
    expect(await charged()).toBe(costOf([last.usage.prompt_tokens - 6, INPUT], [6, CACHED], [9, OUTPUT]));
  });

  it('charges nothing for a reported zero (TC-24)', async () => {
    const { events } = await stream(WITH_USAGE, 'zero-usage');
    expect(events.at(-2).usage.cost).toBe('0');
    expect(await charged()).toBe(0n);
  });

  it.each(['no-usage', 'null-usage'])('counts what it delivered when nothing is reported (%s)', async (behave) => {
    const { events } = await stream(WITH_USAGE, `${behave},tokens=17`);
    expect(events.at(-1)).toBe('[DONE]');
    const { prompt_tokens } = lastCall(world).usage as any;
    expect(await charged()).toBe(costOf([prompt_tokens, INPUT], [17, OUTPUT]));
    expect((await usageOf(world, customerId))[0].usage_source).toBe('gateway_count');
  });

  it('serves several choices and legacy completions', async () => {
    const { events } = await stream({ n: 3, max_tokens: 6, ...WITH_USAGE });
    expect(new Set(events.flatMap((event) => event.choices ?? []).map((choice: any) => choice.index)).size).toBe(3);
    const response = await post(world, '/v1/completions', key, {
      model: 'gpt-3.5-turbo-instruct',
      prompt: 'Once',
      ...WITH_USAGE,
    });
    const legacy = eventsOf(await response.text());
    expect(textOf(legacy)).not.toBe('');
    const { usage } = legacy.at(-2);
    expect(usage.cost).toBe(
      decimal(costOf([usage.prompt_tokens, 1_500_000_000n], [usage.completion_tokens, 2_000_000_000n])),
    );
  });

  it('delivers an answer in one piece when the upstream sends one', async () => {
    const response = await post(world, '/v1/embeddings', key, {
      model: 'text-embedding-3-small',
      input: 'streams are for others',
      stream: true,
    });
    expect(response.status).toBe(200);
    expect((await json(response)).usage.cost).toMatch(/^0\.0000\d+$/);
    expect(response.headers.get('content-type')).toContain('application/json');
  });
});
