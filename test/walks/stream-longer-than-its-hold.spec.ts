import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { booksOf, eventsOf, expectSoundBooks, usageOf } from '../support/calls';
import { chat, customerWith, startWorld, type World } from '../support/world';

const CREDIT = 1_000_000_000n;
const EVENT = 'data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n';

/** Speaks for ever, or falls silent after its first word; never ends by itself. */
async function startEndless(): Promise<{ server: Server; url: string; silent: boolean }> {
  const endless = { silent: false, url: '', server: undefined as unknown as Server };
  endless.server = createServer(async (request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write(EVENT);
    while (!response.destroyed && !endless.silent) {
      await sleep(50);
      response.write(EVENT);
    }
  });
  await new Promise<void>((listening) => endless.server.listen(0, '127.0.0.1', listening));
  endless.url = `http://127.0.0.1:${(endless.server.address() as AddressInfo).port}`;
  return endless;
}

/** A hold is charged while it lives: what outlasts it would be delivered unpaid. */
describe('a stream longer than its hold', () => {
  let world: World;
  let upstream: Awaited<ReturnType<typeof startEndless>>;

  beforeAll(async () => {
    upstream = await startEndless();
    world = await startWorld({ UPSTREAM_URL: upstream.url, HOLD_TTL_SECONDS: '4' });
  });
  afterAll(async () => {
    await world?.stop();
    upstream?.server.closeAllConnections();
    upstream?.server.close();
  });

  it.each([
    ['keeps coming', false],
    ['falls silent', true],
  ])('is broken off in time, charged and said so when it %s', async (_, silent) => {
    upstream.silent = silent;
    const { key, customerId } = await customerWith(world, CREDIT);
    const response = await chat(world.url, key, { stream: true }, { 'idempotency-key': `endless-${silent}` });
    const events = eventsOf(await response.text());
    expect(events.at(-1).error.code).toBe('stream_too_long');
    expect(events[0].choices[0].delta.content).toBe('word ');
    const { posted, held } = await booksOf(world, customerId);
    expect(held.atoms).toBe(0n);
    expect(posted.atoms).toBeLessThan(CREDIT);
    const [row] = await usageOf(world, customerId);
    expect(row).toMatchObject({ status: 'interrupted', error_code: 'stream_too_long', atoms: CREDIT - posted.atoms });
    await expectSoundBooks(world);
  });
});
