import { setTimeout as sleep } from 'node:timers/promises';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { Agent, type Dispatcher, request } from 'undici';
import { BEHAVIOUR_NAMES, readBehaviours, splitModel } from './behaviours';
import { type Upstream, startUpstream } from './upstream-simulator';

interface Told {
  choices: { index: number; delta: { content?: string }; finish_reason?: string | null }[];
  usage?: Record<string, unknown> | null;
  error?: { message: string };
}
interface Read {
  readonly parts: Buffer[];
  readonly text: string;
  readonly cut: boolean;
}

const MESSAGES = [{ role: 'user', content: 'Tell me of the old bridge.' }];
const PROMPT = 3 + 3 + countTokens('user') + countTokens('Tell me of the old bridge.');
const NOTHING = { cached_tokens: 0, audio_tokens: 0 };

describe('what a request may ask of the upstream', () => {
  let upstream: Upstream;
  let dispatcher: Agent;

  beforeAll(async () => {
    upstream = await startUpstream();
    dispatcher = new Agent();
  });
  afterAll(async () => {
    await dispatcher.destroy();
    await upstream.stop();
  });

  function chat(behave: string, more: object = {}): Promise<Dispatcher.ResponseData> {
    return request(`${upstream.url}/v1/chat/completions`, {
      method: 'POST',
      dispatcher,
      headers: { 'x-upstream-behave': behave },
      body: JSON.stringify({ model: 'gpt-4o-mini', messages: MESSAGES, ...more }),
    });
  }
  async function usage(behave: string, more: object = {}): Promise<Record<string, any> | null | undefined> {
    return ((await (await chat(behave, more)).body.json()) as Told).usage;
  }
  function stream(behave: string, more: object = {}): Promise<Dispatcher.ResponseData> {
    return chat(behave, { stream: true, stream_options: { include_usage: true }, ...more });
  }
  async function read(response: Dispatcher.ResponseData): Promise<Read> {
    const parts: Buffer[] = [];
    let cut = false;
    try {
      for await (const part of response.body) parts.push(part as Buffer);
    } catch {
      cut = true;
    }
    return { parts, text: Buffer.concat(parts).toString(), cut };
  }
  const told = ({ text }: Read): Told[] =>
    text
      .split('\n\n')
      .filter((event) => event.startsWith('data: {'))
      .map((event) => JSON.parse(event.slice(6)) as Told);
  const contents = (chunks: Told[]): string[] => chunks.flatMap((chunk) => chunk.choices?.[0]?.delta.content || []);
  /** The record is made when the connection is seen to close, which may be a moment after the caller saw it. */
  async function ended(count: number): Promise<ReturnType<Upstream['calls']>> {
    for (let turn = 0; upstream.calls().length < count && turn < 200; turn++) await sleep(10);
    expect(upstream.calls()).toHaveLength(count);
    return upstream.calls();
  }
  const last = async (before: number): Promise<string | undefined> => (await ended(before + 1)).at(-1)?.outcome;

  it('slow holds the first byte back, chunk-delay every other', async () => {
    let start = performance.now();
    await (await chat('slow=150')).body.dump();
    expect(performance.now() - start).toBeGreaterThanOrEqual(145);
    const response = await stream('chunk-delay=30,tokens=4');
    start = performance.now();
    const { parts } = await read(response);
    expect(performance.now() - start).toBeGreaterThanOrEqual(6 * 30);
    expect(parts.length).toBeGreaterThanOrEqual(7);
  });

  it('tokens sets the length, max_tokens still caps it', async () => {
    expect(await usage('tokens=1234')).toMatchObject({ completion_tokens: 1234 });
    expect(await usage('tokens=0')).toMatchObject({ completion_tokens: 0 });
    expect(await usage('tokens=100', { max_tokens: 7 })).toMatchObject({ completion_tokens: 7 });
  });

  it.each([500, 503, 429, 402])('fail=%i fails in the shape of the API', async (status) => {
    const before = upstream.calls().length;
    for (const response of [await chat(`fail=${status}`), await stream(`fail=${status}`)]) {
      expect(response.statusCode).toBe(status);
      expect(response.headers['retry-after']).toBe(status === 429 || status === 503 ? '1' : undefined);
      expect(await response.body.json()).toMatchObject({ error: { message: expect.stringContaining('told to fail') } });
    }
    expect((await ended(before + 2)).slice(before)).toMatchObject([
      { outcome: 'failed', status },
      { outcome: 'failed', status },
    ]);
  });

  it('reset destroys the socket before any byte', async () => {
    const before = upstream.calls().length;
    await expect(chat('reset')).rejects.toMatchObject({ code: expect.stringMatching(/ECONNRESET|UND_ERR_SOCKET/) });
    expect((await ended(before + 1)).at(-1)).toMatchObject({ outcome: 'failed', status: null });
  });

  it.each(['fail-mid', 'reset-mid', 'eof-mid'])('%s breaks a stream after its chunks', async (name) => {
    const before = upstream.calls().length;
    const answer = await read(await stream(`${name}=3`));
    expect(contents(told(answer))).toHaveLength(3);
    expect(answer.cut).toBe(name === 'reset-mid');
    expect(answer.text).not.toContain('[DONE]');
    expect(answer.text).not.toContain('prompt_tokens');
    expect(answer.text.includes('data: {"error":')).toBe(name === 'fail-mid');
    const late = told(await read(await stream(`${name}=9999`)));
    expect(late.some((chunk) => chunk.choices?.[0]?.finish_reason)).toBe(false);
    expect((await ended(before + 2)).slice(before).map((call) => call.outcome)).toEqual(['failed', 'failed']);
  });

  it('fail-mid, reset-mid and eof-mid spoil a plain answer too', async () => {
    expect((await chat('fail-mid')).statusCode).toBe(500);
    expect((await read(await chat('reset-mid'))).cut).toBe(true);
    const ended = await read(await chat('eof-mid'));
    expect(ended.cut).toBe(false);
    expect(() => JSON.parse(ended.text)).toThrow(SyntaxError);
  });

  it('hang never answers and notices that the caller left', async () => {
    const before = upstream.calls().length;
    const aborted = request(`${upstream.url}/v1/models`, {
      dispatcher,
      headers: { 'x-upstream-behave': 'hang' },
      signal: AbortSignal.timeout(100),
    });
    await expect(aborted).rejects.toThrow('aborted');
    expect(await last(before)).toBe('aborted');
  });

  it('bad-json breaks the body, or the first chunk', async () => {
    await expect((await chat('bad-json')).body.json()).rejects.toThrow(SyntaxError);
    const answer = await read(await stream('bad-json'));
    expect(() => told(answer)).toThrow(SyntaxError);
    expect(answer.text).toContain('[DONE]');
  });

  it('no-usage, null-usage and zero-usage falsify what is told, not what is recorded', async () => {
    expect(await usage('no-usage')).toBeUndefined();
    expect(await usage('null-usage')).toBeNull();
    const zero = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0, prompt_tokens_details: NOTHING };
    expect(await usage('zero-usage')).toMatchObject(zero);
    expect(upstream.calls().at(-1)?.usage).toMatchObject({ prompt_tokens: PROMPT });
    const streamed = async (behave: string): Promise<unknown[]> =>
      told(await read(await stream(behave))).map((chunk) => chunk.usage);
    expect(new Set(await streamed('no-usage'))).toEqual(new Set([undefined]));
    expect(new Set(await streamed('null-usage'))).toEqual(new Set([null]));
    expect((await streamed('zero-usage')).at(-1)).toMatchObject(zero);
  });

  it('cached, cache-write and reasoning stay inside the totals', async () => {
    expect(await usage('cached=5,cache-write=4,reasoning=30,tokens=10')).toMatchObject({
      prompt_tokens: PROMPT,
      completion_tokens: 40,
      total_tokens: PROMPT + 40,
      prompt_tokens_details: { cached_tokens: 5, cache_write_tokens: 4 },
      completion_tokens_details: { reasoning_tokens: 30 },
    });
    const full = { cached_tokens: PROMPT, cache_write_tokens: 0 };
    expect(await usage('cached=99999,cache-write=9')).toMatchObject({ prompt_tokens_details: full });
    expect(await usage('reasoning=30,tokens=10', { max_completion_tokens: 35 })).toMatchObject({
      completion_tokens: 35,
      completion_tokens_details: { reasoning_tokens: 30 },
    });
  });

  it('usage-with-choices and placeholder-usage put usage where it misleads', async () => {
    const chunks = told(await read(await stream('usage-with-choices,placeholder-usage,cached=7,tokens=9')));
    expect(chunks[0]?.usage).toMatchObject({ completion_tokens: 1, prompt_tokens: PROMPT });
    expect(chunks.at(-1)).toMatchObject({
      choices: [{ index: 0, delta: {} }],
      usage: { completion_tokens: 9, prompt_tokens_details: { cached_tokens: 7 } },
    });
    expect(chunks.filter((chunk) => chunk.usage)).toHaveLength(2);
  });

  it('comments are interleaved and change nothing else', async () => {
    const plain = await read(await stream(''));
    const commented = await read(await stream('comments'));
    expect(commented.text.match(/^: OPENROUTER PROCESSING$/gm)?.length).toBeGreaterThan(5);
    expect(told(commented).map((chunk) => chunk.choices)).toEqual(told(plain).map((chunk) => chunk.choices));
  });

  it('split cuts inside characters, inside `data:` and between line feeds', async () => {
    const plain = await read(await stream(''));
    const { parts, text } = await read(await stream('split'));
    const starts = parts.map((part) => part.toString('latin1'));
    expect(starts.some((part) => part.startsWith('a: {'))).toBe(true);
    expect(starts.some((part) => part.startsWith('\ndat'))).toBe(true);
    expect(parts.some((part) => ((part[0] ?? 0) & 0xc0) === 0x80)).toBe(true);
    expect(told({ parts, text, cut: false }).map((chunk) => chunk.choices)).toEqual(
      told(plain).map((chunk) => chunk.choices),
    );
    const body = await read(await chat('split'));
    expect(JSON.parse(body.text)).toMatchObject({ object: 'chat.completion' });
    expect(body.parts.length).toBeGreaterThan(3);
  });

  it('settlement-override and set-cookie send headers a gateway must strip, on failures too', async () => {
    for (const behave of ['settlement-override,set-cookie', 'settlement-override,set-cookie,fail=500']) {
      const response = await chat(behave);
      await response.body.dump();
      expect(response.headers).toMatchObject({
        'settlement-overrides': '{"amount":"999999999"}',
        'payment-response': 'evil',
        'set-cookie': expect.stringContaining('upstream_session='),
      });
    }
  });

  it('the model suffix asks too, and the header wins over it', async () => {
    const suffixed = await chat('', { model: 'gpt-4o-mini+tokens=3+no-usage' });
    const plain = await chat('tokens=3');
    const [one, two] = [(await suffixed.body.json()) as any, (await plain.body.json()) as any];
    expect(one.model).toBe('gpt-4o-mini');
    expect(one.usage).toBeUndefined();
    expect(one.choices).toEqual(two.choices);
    expect(await usage('tokens=5', { model: 'gpt-4o-mini+tokens=3,cached=1' })).toMatchObject({ completion_tokens: 5 });
    expect(splitModel('command-r+')).toEqual({ model: 'command-r+', suffix: '' });
  });

  it('refuses names and arguments it does not know', async () => {
    for (const wrong of ['bogus', 'slow', 'slow=x', 'slow=-1', 'hang=1', 'fail=200', 'toString']) {
      expect(() => readBehaviours('', wrong)).toThrow(expect.objectContaining({ status: 400 }));
    }
    expect([...readBehaviours('fail', 'eof-mid')]).toEqual([
      ['fail', 500],
      ['eof-mid', 1],
    ]);
    expect(BEHAVIOUR_NAMES).toHaveLength(22);
    expect((await chat('bogus')).statusCode).toBe(400);
  });

  it('waits for a slow reader, and notices one that leaves', async () => {
    const before = upstream.calls().length;
    const controller = new AbortController();
    const response = await request(`${upstream.url}/v1/chat/completions`, {
      method: 'POST',
      dispatcher,
      signal: controller.signal,
      body: JSON.stringify({ model: 'gpt-4o-mini+tokens=200000', stream: true, messages: MESSAGES }),
    });
    const reader = response.body[Symbol.asyncIterator]();
    await reader.next();
    await sleep(300);
    // 60 MB wait to be sent; nothing is recorded while nobody reads.
    expect(upstream.calls()).toHaveLength(before);
    controller.abort();
    await expect(reader.next().then(() => reader.next())).rejects.toThrow('aborted');
    expect(await last(before)).toBe('aborted');
  });

  it.each(['slow=5000', 'chunk-delay=5000', 'split,chunk-delay=5000'])(
    '%s ends when the caller leaves',
    async (behave) => {
      const before = upstream.calls().length;
      const left = request(`${upstream.url}/v1/chat/completions`, {
        method: 'POST',
        dispatcher,
        headers: { 'x-upstream-behave': behave },
        signal: AbortSignal.timeout(150),
        body: JSON.stringify({ model: 'gpt-4o-mini', stream: true, messages: MESSAGES }),
      }).then((response) => response.body.text());
      await expect(left).rejects.toThrow('aborted');
      expect(await last(before)).toBe('aborted');
    },
  );

  it('stops with calls still hanging', async () => {
    const other = await startUpstream();
    const hanging = request(`${other.url}/v1/models`, { dispatcher, headers: { 'x-upstream-behave': 'hang' } });
    await Promise.all([
      expect(hanging).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' }),
      sleep(100).then(() => other.stop()),
    ]);
    expect(other.calls()).toMatchObject([{ outcome: 'aborted', status: null }]);
  });
});
