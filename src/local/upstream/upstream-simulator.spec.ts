import { inflateSync } from 'node:zlib';
import * as cl100k from 'gpt-tokenizer/encoding/cl100k_base';
import * as o200k from 'gpt-tokenizer/encoding/o200k_base';
import OpenAI from 'openai';
import { CallLog } from './call-log';
import { type Upstream, startUpstream } from './upstream-simulator';

const HELLO = [{ role: 'user' as const, content: 'Say hello to the river.' }];
const KEY = 'sk-local';

describe('the upstream, seen by the openai package', () => {
  let upstream: Upstream;
  let client: OpenAI;

  beforeAll(async () => {
    upstream = await startUpstream({ apiKey: KEY });
    client = new OpenAI({ baseURL: `${upstream.url}/v1`, apiKey: KEY, maxRetries: 0 });
  });
  afterAll(() => upstream.stop());

  it('answers a chat with a true count of its tokens', async () => {
    const answer = await client.chat.completions.create({ model: 'gpt-4o-mini', messages: HELLO });
    const content = answer.choices[0]?.message.content ?? '';
    expect(content).toMatch(/^[A-Z][^.]+ — \w+\./);
    expect(answer.choices[0]?.finish_reason).toBe('stop');
    expect(answer.usage).toMatchObject({
      prompt_tokens: 3 + 3 + o200k.countTokens('user') + o200k.countTokens('Say hello to the river.'),
      completion_tokens: o200k.countTokens(content),
    });
    const call = upstream.calls().at(-1);
    expect(answer.id).toBe(`chatcmpl-${call?.id}`);
    expect(call).toMatchObject({
      path: '/v1/chat/completions',
      model: 'gpt-4o-mini',
      outcome: 'completed',
      status: 200,
    });
    expect(call?.usage).toEqual(answer.usage);
    expect(call?.requestHeaders.authorization).toBe(`Bearer ${KEY}`);
    expect(call?.body).toMatchObject({ messages: HELLO });
  });

  it('counts the chat of several messages, parts, names and images by the rule it documents', async () => {
    const text = 'Ein Satz über <|endoftext|> — und 東京.';
    const answer = await client.chat.completions.create({
      model: 'gpt-4',
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          name: 'anna',
          content: [
            { type: 'text', text },
            { type: 'image_url', image_url: { url: 'https://example.com/a.png' } },
            { type: 'text', text: 'two' },
          ],
        },
        { role: 'assistant', content: null },
      ],
    });
    const count = (words: string): number => cl100k.countTokens(words, { disallowedSpecial: new Set() });
    const expected =
      3 +
      (3 + count('system') + count('Be brief.')) +
      (3 + count('user') + count(text) + 85 + count('two') + 1 + count('anna')) +
      (3 + count('assistant'));
    expect(answer.usage?.prompt_tokens).toBe(expected);
  });

  it('streams the same text a plain call gives, and its usage only when asked', async () => {
    const plain = await client.chat.completions.create({ model: 'gpt-4o-mini', messages: HELLO });
    for (const include_usage of [true, false]) {
      const stream = await client.chat.completions.create({
        model: 'gpt-4o-mini',
        messages: HELLO,
        stream: true,
        stream_options: { include_usage },
      });
      let content = '';
      const usages: unknown[] = [];
      for await (const chunk of stream) {
        content += chunk.choices[0]?.delta.content ?? '';
        if (chunk.usage) usages.push(chunk.usage);
      }
      expect(content).toBe(plain.choices[0]?.message.content);
      expect(usages).toEqual(include_usage ? [plain.usage] : []);
    }
    expect(upstream.calls().at(-1)?.outcome).toBe('completed');
  });

  it('keeps to max_tokens for every choice', async () => {
    for (const cap of [{ max_tokens: 5 }, { max_completion_tokens: 5 }]) {
      const answer = await client.chat.completions.create({ model: 'gpt-5', messages: HELLO, n: 3, ...cap });
      expect(answer.choices.map((choice) => choice.finish_reason)).toEqual(['length', 'length', 'length']);
      const texts = answer.choices.map((choice) => choice.message.content ?? '');
      expect(texts.map((text) => o200k.countTokens(text))).toEqual([5, 5, 5]);
      expect(new Set(texts).size).toBeGreaterThan(1);
      expect(answer.usage?.completion_tokens).toBe(15);
    }
  });

  it('completes texts and token arrays, 16 tokens unless told otherwise', async () => {
    const model = 'gpt-3.5-turbo-instruct';
    const text = await client.completions.create({ model, prompt: ['Once upon', 'a time'] });
    expect(text.choices.map((choice) => cl100k.countTokens(choice.text))).toEqual([16, 16]);
    expect(text.usage?.prompt_tokens).toBe(cl100k.countTokens('Once upon') + cl100k.countTokens('a time'));
    const tokens = await client.completions.create({ model, prompt: cl100k.encode('Once upon') });
    expect(tokens.choices[0]?.text).toBe(text.choices[0]?.text);
    const stream = await client.completions.create({ model, prompt: 'Once upon', stream: true });
    let streamed = '';
    for await (const chunk of stream) streamed += chunk.choices[0]?.text ?? '';
    expect(streamed).toBe(text.choices[0]?.text);
  });

  it('embeds text and tokens as the same unit vectors, as numbers and as base64', async () => {
    const model = 'text-embedding-3-small';
    const input = ['Say hello', 'to the river'];
    const numbers = await client.embeddings.create({ model, input, encoding_format: 'float' });
    const packed = await client.embeddings.create({ model, input });
    const tokens = await client.embeddings.create({ model, input: input.map((text) => cl100k.encode(text)) });
    expect(numbers.data.map((item) => item.embedding.length)).toEqual([1536, 1536]);
    expect(packed.data).toEqual(numbers.data);
    expect(tokens).toEqual(numbers);
    const vector = numbers.data[0]?.embedding ?? [];
    expect(vector.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 4);
    const count = cl100k.countTokens('Say hello') + cl100k.countTokens('to the river');
    expect(numbers.usage).toEqual({ prompt_tokens: count, total_tokens: count });
    const short = await client.embeddings.create({ model, input: 'Say hello', dimensions: 8 });
    expect(short.data[0]?.embedding).toHaveLength(8);
    await expect(client.embeddings.create({ model, input: '' })).rejects.toMatchObject({ status: 400 });
  });

  it('draws valid pictures and reports the usage of the gpt-image models alone', async () => {
    const ask = { prompt: 'A river', n: 2, size: '1024x1536' as const };
    const answer = await client.images.generate({ model: 'gpt-image-1', quality: 'low', ...ask });
    const pictures = (answer.data ?? []).map((image) => Buffer.from(image.b64_json ?? '', 'base64'));
    expect(pictures).toHaveLength(2);
    expect(pictures[0]?.equals(pictures[1] ?? Buffer.alloc(0))).toBe(false);
    expect(pictures[0]?.subarray(1, 4).toString()).toBe('PNG');
    const length = pictures[0]?.readUInt32BE(33) ?? 0;
    expect(inflateSync(pictures[0]?.subarray(41, 41 + length) ?? Buffer.alloc(0))).toHaveLength(8 * 25);
    expect(answer.usage).toMatchObject({ input_tokens: o200k.countTokens('A river'), output_tokens: 2 * 408 });
    const dalle = await client.images.generate({ model: 'dall-e-3', prompt: 'A river' });
    expect(dalle.data).toHaveLength(1);
    expect(dalle.usage).toBeUndefined();
  });

  it('lists models', async () => {
    const ids = (await client.models.list()).data.map((model) => model.id);
    expect(ids).toEqual(expect.arrayContaining(['gpt-4o-mini', 'gpt-5', 'text-embedding-3-small', 'gpt-image-1']));
  });

  it('gives a request the same answer always, and every call its own id', async () => {
    const ask = { model: 'gpt-4o', messages: HELLO };
    const [one, two] = [await client.chat.completions.create(ask), await client.chat.completions.create(ask)];
    expect(two.choices).toEqual(one.choices);
    expect(two.id).not.toBe(one.id);
    const other = await client.chat.completions.create({ model: 'gpt-4o', messages: [{ role: 'user', content: 'x' }] });
    expect(other.choices).not.toEqual(one.choices);
  });

  it('refuses in the shape of the API', async () => {
    const post = (path: string, body: string, key = KEY): Promise<Response> =>
      fetch(upstream.url + path, { method: 'POST', body, headers: { authorization: `Bearer ${key}` } });
    const chat = '/v1/chat/completions';
    const cases: [Response, number, object][] = [
      [await post(chat, '{'), 400, { code: null }],
      [await post(chat, '[]'), 400, {}],
      [await post(chat, '{}'), 400, { param: 'model' }],
      [await post(chat, '{"model":"gpt-4o"}'), 400, { param: 'messages' }],
      [await post(chat, '{"model":"gpt-4o","messages":[]}'), 400, { param: 'messages' }],
      [await post(chat, '{"model":"gpt-4o","messages":[{"content":"x"}]}'), 400, { param: 'messages[0].role' }],
      [await post(chat, '{"model":"m","messages":[{"role":"user"}],"n":0}'), 400, { param: 'n' }],
      [await post(chat, '{"model":"m","messages":[{"role":"user"}],"stream_options":{}}'), 400, {}],
      [await post(chat, '{"model":"m+bogus","messages":[{"role":"user"}]}'), 400, { code: 'unknown_behaviour' }],
      [await post('/v1/embeddings', '{"model":"m","input":[99999999]}'), 400, { param: 'input' }],
      [await post('/v1/images/generations', '{"model":"m","prompt":"x","size":"big"}'), 400, { param: 'size' }],
      [await post('/v1/nothing', '{}'), 404, { code: 'unknown_url' }],
      [await post(chat, '{}', 'wrong'), 401, { code: 'invalid_api_key' }],
    ];
    for (const [response, status, error] of cases) {
      expect(response.status).toBe(status);
      const body = (await response.json()) as { error: object };
      expect(Object.keys(body.error)).toEqual(['message', 'type', 'param', 'code']);
      expect(body.error).toMatchObject({ type: 'invalid_request_error', ...error });
    }
    expect(upstream.calls().at(-1)?.outcome).toBe('failed');
    expect((await fetch(`${upstream.url}/health`)).status).toBe(200);
  });
});

it('keeps the last thousand calls, in order, and reports each to the log', () => {
  const lines: string[] = [];
  const log = new CallLog((line) => lines.push(line));
  for (let at = 0; at < 2345; at++) {
    const call = { path: '/v1/models', model: null, requestHeaders: {}, body: null, status: 200, usage: null };
    log.add({ ...call, id: `${at}`, at, outcome: 'completed' });
  }
  expect(log.last().map((call) => call.at)).toEqual(Array.from({ length: 1000 }, (_, index) => 1345 + index));
  expect(lines).toHaveLength(2345);
  expect(lines.at(-1)).toBe('/v1/models - 200 completed 2344');
});
