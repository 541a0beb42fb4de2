import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { booksOf, eventsOf, expectSoundBooks, json, usageOf } from '../support/calls';
import { chat, customerWith, startWorld, type World } from '../support/world';

const CREDIT = 1_000_000_000n;
const ANSWER = {
  id: 'chatcmpl-1',
  model: 'gpt-4o-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 10, completion_tokens: 2 },
};
const chunk = (value: object) => `data: ${JSON.stringify(value)}\n\n`;
const text = (content: string) => ({ choices: [{ index: 0, delta: { content } }] });

type Serve = (request: IncomingMessage, response: ServerResponse) => void;

/** What model servers have been seen to do, and what none should. */
describe('an upstream that breaks the rules', () => {
  let world: World;
  let server: Server;
  let serve: Serve;
  let customerId: string;
  let key: string;

  beforeAll(async () => {
    server = createServer((request, response) => {
      request.resume().on('end', () => serve(request, response));
    });
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    world = await startWorld({ UPSTREAM_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  });
  afterAll(async () => {
    await world?.stop();
    server?.close();
  });
  beforeEach(async () => {
    ({ customerId, key } = await customerWith(world, CREDIT));
  });
  afterEach(async () => {
    expect((await booksOf(world, customerId)).held.atoms).toBe(0n);
    await expectSoundBooks(world);
  });

  const answering =
    (status: number, body: string | Buffer, headers: Record<string, string> = {}): Serve =>
    (_, response) =>
      void response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
  const streaming =
    (...parts: string[]): Serve =>
    (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const part of parts) response.write(part);
      response.end();
    };
  const expectFree = async (response: Response, status: number): Promise<void> => {
    expect(response.status).toBe(status);
    await response.text();
    expect((await booksOf(world, customerId)).posted.atoms).toBe(CREDIT);
    expect((await usageOf(world, customerId))[0]).toMatchObject({ status: 'failed', atoms: 0n });
  };

  it.each([
    ['an error with a 200', answering(200, '{"error":{"message":"overloaded"}}'), 502],
    ['nothing at all', answering(200, ''), 502],
    ['a list', answering(200, '[]'), 502],
    ['a page', answering(200, '<html>', { 'content-type': 'text/html' }), 502],
    ['a redirect', answering(302, '', { location: 'http://127.0.0.1:9/' }), 502],
    ['a compressed answer', answering(200, gzipSync(JSON.stringify(ANSWER)), { 'content-encoding': 'gzip' }), 502],
    ['a compressed error', answering(400, gzipSync('{}'), { 'content-encoding': 'gzip' }), 502],
    ['a refusal that is cut off', cutOff(400), 502],
    ['a failure that is cut off', cutOff(500), 502],
    ['a status of its own', answering(529, '{}'), 502],
  ])('%s: nothing is charged', async (_, serving, status) => {
    serve = serving;
    await expectFree(await chat(world.url, key), status);
  });

  it('its own idea of the cost gives way to ours', async () => {
    serve = answering(200, JSON.stringify({ ...ANSWER, usage: { ...ANSWER.usage, cost: 0.5 } }));
    const response = await chat(world.url, key);
    expect((await json(response)).usage.cost).toBe(response.headers.get('x-tollbridge-cost'));
    serve = streaming(chunk({ choices: [], usage: { ...ANSWER.usage, cost: 0.5 } }), 'data: [DONE]\n\n');
    const asked = { stream: true, stream_options: { include_usage: true } };
    expect(eventsOf(await (await chat(world.url, key, asked)).text())[0].usage.cost).toBe('0.0000027');
  });

  it('what it says about the account there is kept from callers', async () => {
    const headers = { 'openai-organization': 'acme-internal', 'strict-transport-security': 'max-age=1', via: '1.1 x' };
    serve = answering(200, JSON.stringify(ANSWER), { ...headers, 'x-ratelimit-remaining': '7' });
    const response = await chat(world.url, key);
    for (const name of Object.keys(headers)) expect(response.headers.get(name)).toBeNull();
    expect(response.headers.get('x-ratelimit-remaining')).toBe('7');
  });

  it('a name that no column can hold is made one that it can', async () => {
    serve = answering(200, JSON.stringify({ ...ANSWER, model: `a\u0000b\ud800${'x'.repeat(500)}` }));
    expect((await chat(world.url, key)).status).toBe(200);
    expect((await usageOf(world, customerId))[0].model_served).toMatch(/^a\?b\?x+$/);
  });

  it('a report that no call can use is not believed: what was delivered is counted', async () => {
    serve = answering(200, JSON.stringify({ ...ANSWER, usage: { prompt_tokens: 9e15, completion_tokens: 9e15 } }));
    const response = await chat(world.url, key);
    expect(response.status).toBe(200);
    expect((await usageOf(world, customerId))[0]).toMatchObject({ usage_source: 'gateway_count', output_tokens: 1n });
  });

  it('usage beside the last words, or in every chunk, is billed once, and its cost is told', async () => {
    const usage = (completion_tokens: number) => ({ usage: { prompt_tokens: 10, completion_tokens } });
    serve = streaming(
      chunk({ ...text('a'), ...usage(1) }),
      chunk({ ...text('b'), ...usage(2) }),
      chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }], ...usage(2) }),
      'data: [DONE]\n\n',
    );
    const asked = { stream: true, stream_options: { include_usage: true } };
    const events = eventsOf(await (await chat(world.url, key, asked)).text());
    expect(events.at(-1)).toBe('[DONE]');
    expect(events.at(-2)).toMatchObject({ choices: [], usage: { completion_tokens: 2, cost: '0.0000027' } });
    expect((await usageOf(world, customerId))[0]).toMatchObject({ output_tokens: 2n, atoms: 2700n });
    const quiet = eventsOf(await (await chat(world.url, key, { stream: true })).text());
    expect(quiet.every((event) => !event.usage)).toBe(true);
    expect(quiet).toHaveLength(4);
  });

  it('lines that end in CRLF, or in both', async () => {
    const mixed = [
      chunk(text('one')).replaceAll('\n', '\r\n'),
      chunk(text(' two')).replace('\n\n', '\n\r\n'),
      'data:[DONE]\n\n',
    ];
    serve = streaming(...mixed);
    const response = await chat(world.url, key, { stream: true });
    expect(await response.text()).toBe(mixed.join(''));
    expect((await usageOf(world, customerId))[0]).toMatchObject({ status: 'succeeded', output_tokens: 2n });
  });

  it('a connection that breaks behind [DONE] has broken nothing', async () => {
    serve = (_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`${chunk(text('a'))}data: [DONE]\n\n`, () => response.destroy());
    };
    const events = eventsOf(await (await chat(world.url, key, { stream: true })).text());
    expect(events.at(-1)).toBe('[DONE]');
    expect((await usageOf(world, customerId))[0]).toMatchObject({ status: 'succeeded', error_code: null });
  });

  it('an answer in one piece where a stream was asked for is delivered as that', async () => {
    serve = answering(200, JSON.stringify(ANSWER));
    const response = await chat(world.url, key, { stream: true });
    expect(response.headers.get('x-tollbridge-cost')).toBe('0.0000027');
    expect((await json(response)).choices[0].message.content).toBe('Hi');
  });
});

/** A head, half a body, and then nothing. */
function cutOff(status: number): Serve {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('{"error":', () => setTimeout(() => response.destroy(), 20));
  };
}
