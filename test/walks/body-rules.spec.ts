import { countText } from '../../src/metering/tokenizer';
import { booksOf, expectSoundBooks, json, lastCall, post, usageOf } from '../support/calls';
import { chat, customerWith, startWorld, type World } from '../support/world';

const CREDIT = 1_000_000_000n;
const PATH = '/v1/chat/completions';
const MESSAGES = [{ role: 'user', content: 'hi' }];

/** Whatever somebody sends: a readable answer, no charge, and a process that is well. */
describe('what may be asked', () => {
  let world: World;
  let customerId: string;
  let key: string;

  beforeAll(async () => {
    world = await startWorld();
    ({ customerId, key } = await customerWith(world, CREDIT));
  });
  afterAll(() => world?.stop());
  afterEach(async () => {
    expect((await booksOf(world, customerId)).held.atoms).toBe(0n);
    await expectSoundBooks(world);
  });

  const expectProblem = async (response: Response, status: number, code: string): Promise<any> => {
    const problem = await json(response);
    expect([response.status, problem.code]).toEqual([status, code]);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(response.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(JSON.stringify(problem)).not.toMatch(/node_modules|at \w+ \(|\.ts:/);
    return problem;
  };

  it.each([
    ['no JSON', 'not json', 400, 'invalid_request'],
    ['half of it', '{"model":"flat"', 400, 'invalid_request'],
    ['nothing', '', 400, 'invalid_request'],
    ['a list', '[1,2]', 400, 'invalid_body'],
    ['null', 'null', 400, 'invalid_body'],
    ['a text', '"flat"', 400, 'invalid_body'],
    ['no model', '{}', 400, 'model_missing'],
    ['a model that is a number', '{"model":1}', 400, 'model_missing'],
    ['a stream that is a text', '{"model":"flat","stream":"yes"}', 400, 'invalid_stream'],
    ['a poisoned prototype', '{"model":"flat","__proto__":{"n":1}}', 400, 'invalid_request'],
  ])('%s', async (_, body, status, code) => {
    await expectProblem(await post(world, PATH, key, body), status, code);
  });

  it.each([0, -1, 1.5, '5', 1e308, 10_000_001, [3], {}, true])('an absurd count (%j): 400', async (count) => {
    for (const field of ['n', 'max_tokens', 'max_completion_tokens', 'best_of']) {
      const problem = await expectProblem(await chat(world.url, key, { [field]: count }), 400, 'invalid_count');
      expect(problem.detail).toContain(field);
    }
  });

  it('the largest counts that can be read: more than anybody has, not a fault', async () => {
    const response = await chat(world.url, key, { n: 10_000_000, max_tokens: 10_000_000 });
    await expectProblem(response, 402, 'insufficient_credit');
  });

  it('both maxima: the larger is held, whichever the upstream obeys', async () => {
    await chat(world.url, key, { max_completion_tokens: 1, max_tokens: 40 });
    expect((await usageOf(world, customerId)).at(-1).held_atoms).toBeGreaterThan(40n * 600n);
  });

  it('another content type than JSON', async () => {
    const form = new URLSearchParams({ model: 'flat', stream: '' });
    const response = await fetch(`${world.url}${PATH}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: form,
    });
    expect([400, 415]).toContain(response.status);
    const text = await post(world, PATH, key, '{"model":"flat"}', { 'content-type': 'text/plain' });
    expect([400, 415]).toContain(text.status);
    const vendor = JSON.stringify({ model: 'flat', messages: MESSAGES });
    const charset = await post(world, PATH, key, vendor, { 'content-type': 'application/json; charset=utf-8' });
    expect(charset.status).toBe(200);
  });

  it('a body of 33 MB: 413', async () => {
    const response = await post(world, PATH, key, `{"model":"flat","x":"${'x'.repeat(33 * 1024 * 1024)}"}`).catch(
      (error: unknown) => error,
    );
    // It may be refused while it is still being sent.
    if (response instanceof Response) await expectProblem(response, 413, 'body_too_large');
    else expect(String(response)).toContain('fetch failed');
    expect((await chat(world.url, key)).status).toBe(200);
  });

  it('JSON a million levels deep: 400', async () => {
    const deep = `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`;
    for (const body of [
      `{"model":"text-embedding-3-small","input":${deep}}`,
      `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"x"}],"tools":${deep}}`,
      `{"model":"gpt-4o-mini","stream":true,"stream_options":{},"metadata":${deep},"messages":[]}`,
    ]) {
      const path = body.includes('embedding') ? '/v1/embeddings' : PATH;
      await expectProblem(await post(world, path, key, body), 400, 'body_too_deep');
    }
  });

  it.each([
    ['a × 1,000,000', 'a'.repeat(1_000_000)],
    ['random words of 255 letters', words(1_000_000, 255)],
    ['a million spaces', ' '.repeat(1_000_000)],
    ['a million marks', 'e\u0301'.repeat(500_000)],
    ['8 MB of prose', 'The quick brown fox jumps. '.repeat(300_000)],
  ])('a prompt of %s does not stand in the way of others', async (_, content) => {
    const most = 15 * costOfCounting();
    let longest = 0;
    let last = process.cpuUsage();
    const watch = setInterval(() => {
      // Processor time, since other tests share the machine.
      longest = Math.max(longest, spentSince(last));
      last = process.cpuUsage();
    }, 10);
    const response = await chat(world.url, undefined, { messages: [{ role: 'user', content }] });
    clearInterval(watch);
    expect(response.status).toBe(402);
    // Long words cost some three times what prose does, whatever the machine; without the bounds it is minutes.
    expect(longest).toBeLessThan(most);
  });

  it('30 MB in one message that is no object does not take the memory', async () => {
    const before = process.memoryUsage().rss;
    const response = await post(world, PATH, undefined, { model: 'gpt-4o-mini', messages: ['m'.repeat(30_000_000)] });
    expect(response.status).toBe(402);
    expect(process.memoryUsage().rss - before).toBeLessThan(1_000_000_000);
  });

  it('odd prompts of every kind: never a fault of ours', async () => {
    const odd = [null, 0, '', 'x', [], [null], [[]], {}, [{ type: 'text' }], ['\ud800'], '\u0000', true];
    for (const value of odd) {
      for (const body of [
        { model: 'gpt-4o-mini', messages: value },
        { model: 'gpt-4o-mini', messages: [{ role: value, content: value, name: value, tool_calls: value }] },
        { model: 'gpt-4o-mini', messages: MESSAGES, tools: value, stream_options: value, stream: true },
      ]) {
        expect((await post(world, PATH, key, body)).status).toBeLessThan(500);
      }
      expect(
        (await post(world, '/v1/embeddings', key, { model: 'text-embedding-3-small', input: value })).status,
      ).toBeLessThan(500);
      const legacy = { model: 'gpt-3.5-turbo-instruct', prompt: value };
      expect((await post(world, '/v1/completions', key, legacy)).status).toBeLessThan(500);
      const image = { model: 'dall-e-3', prompt: value, size: value, quality: value };
      expect((await post(world, '/v1/images/generations', key, image)).status).toBeLessThan(500);
    }
  });

  it('every answer can be read by a browser, and has a request id', async () => {
    const headers = { origin: 'https://app.example' };
    const answers = await Promise.all([
      chat(world.url, key, {}, headers),
      chat(world.url, key, { stream: true }, headers),
      chat(world.url, undefined, {}, headers),
      chat(world.url, 'tb_wrong', {}, headers),
      chat(world.url, key, { model: 'none' }, headers),
      chat(world.url, key, { messages: [] }, headers),
      chat(world.url, key, {}, { ...headers, 'x-upstream-behave': 'fail=500' }),
      post(world, PATH, key, '{', headers),
      fetch(`${world.url}/v1/models`, { headers }),
      fetch(`${world.url}/v1/nothing`, { headers }),
      fetch(`${world.url}${PATH}`, { headers }),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 402, 401, 404, 400, 502, 400, 200, 404, 404]);
    for (const answer of answers) {
      expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.example');
      expect(answer.headers.get('access-control-expose-headers')).toContain('x-tollbridge-cost');
      expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
      await answer.arrayBuffer();
    }
    const preflight = await fetch(`${world.url}${PATH}`, {
      method: 'OPTIONS',
      headers: {
        ...headers,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,payment-signature',
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-headers')).toContain('payment-signature');
    expect(lastCall(world).path).toBe(PATH);
  });
});

/** Processor time in milliseconds. */
function spentSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** What eight million characters of prose take to be counted here and now, in milliseconds of processor time. */
function costOfCounting(): number {
  countText('Loads the words first.', 'o200k_base');
  const before = process.cpuUsage();
  countText('The quick brown fox jumps. '.repeat(300_000), 'o200k_base');
  return spentSince(before);
}

/** Random letters in words of one length. */
function words(length: number, each: number): string {
  let text = '';
  while (text.length < length) {
    for (let n = 0; n < each; n++) text += String.fromCharCode(97 + Math.floor(Math.random() * 26));
    text += ' ';
  }
  return text;
}
