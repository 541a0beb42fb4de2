import { type AddressInfo, connect, type Socket } from 'node:net';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { booksOf, expectSoundBooks, until, usageOf } from '../support/calls';
import { customerWith, startWorld, type World } from '../support/world';

const EVENTS = 90_000;
const EVENT = `data: {"choices":[{"index":0,"delta":{"content":"${'word '.repeat(50)}"}}]}\n\n`;

const room = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const go = () => {
      response.off('drain', go).off('close', go);
      resolve();
    };
    response.on('drain', go).on('close', go);
  });

/** An upstream that writes as fast as it is read, and counts what it could write. */
async function startFirehose(): Promise<{ server: Server; url: string; written: () => number }> {
  let written = 0;
  const server = createServer(async (request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (let n = 0; n < EVENTS && !response.destroyed; n++) {
      written += EVENT.length;
      if (!response.write(EVENT)) await room(response);
    }
    response.end('data: {"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":1000}}\n\ndata: [DONE]\n\n');
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, written: () => written };
}

describe('a slow reader of a huge stream', () => {
  let world: World;
  let hose: Awaited<ReturnType<typeof startFirehose>>;

  beforeAll(async () => {
    hose = await startFirehose();
    world = await startWorld({ UPSTREAM_URL: hose.url });
  });
  afterAll(async () => {
    await world?.stop();
    hose?.server.close();
  });

  const open = (key: string): Socket => {
    const { hostname, port } = new URL(world.url);
    const socket = connect(Number(port), hostname);
    const body = JSON.stringify({ model: 'gpt-4o-mini', stream: true, messages: [{ role: 'user', content: 'go' }] });
    socket.pause();
    socket.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    return socket;
  };

  it('is not read ahead for: the upstream waits, and the gateway keeps nothing', async () => {
    const { key, customerId } = await customerWith(world, 1_000_000_000n);
    const socket = open(key);
    // Nobody reads: what the sockets between take is taken, then it stands still.
    let before = -1;
    await until(
      async () => {
        const still = hose.written() > 0 && hose.written() === before;
        before = hose.written();
        await new Promise((go) => setTimeout(go, 300));
        return still && hose.written() === before;
      },
      (still) => still,
    );
    expect(hose.written()).toBeLessThan((EVENTS * EVENT.length) / 2);
    expect((await booksOf(world, customerId)).held.atoms).toBeGreaterThan(0n);
    // It starts to read again, and gets all of it.
    let tail = '';
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      tail = (tail + chunk.toString('latin1')).slice(-200);
    });
    socket.resume();
    await until(
      () => tail,
      (end) => end.includes('[DONE]'),
      50_000,
    );
    expect(bytes).toBeGreaterThan(EVENTS * EVENT.length);
    socket.destroy();
    const [usage] = await usageOf(world, customerId);
    expect(usage).toMatchObject({ status: 'succeeded', output_tokens: 1000n });
    expect((await booksOf(world, customerId)).held.atoms).toBe(0n);
    await expectSoundBooks(world);
  });

  it('who leaves is read on for only so far, charged for what was read, and nothing stays held', async () => {
    const { key, customerId } = await customerWith(world, 1_000_000_000n);
    const before = hose.written();
    const socket = open(key);
    socket.once('data', () => socket.destroy()).resume();
    const [usage] = await until(
      () => usageOf(world, customerId),
      (rows) => rows.length === 1,
      50_000,
    );
    expect(hose.written() - before).toBeLessThan(EVENTS * EVENT.length * 0.95);
    expect(usage).toMatchObject({ status: 'interrupted', error_code: 'caller_gone', usage_source: 'gateway_count' });
    expect(usage.atoms).toBeGreaterThan(0n);
    const { held, posted, owed } = await booksOf(world, customerId);
    expect(held.atoms).toBe(0n);
    expect(posted.atoms - owed).toBe(1_000_000_000n - usage.atoms);
    await expectSoundBooks(world);
  });
});
