import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { startUpstream } from '../../src/local/upstream/upstream-simulator';
import { startTemporaryPostgres } from '../../src/local/postgres';
import { migrate, startAppOn } from '../support/app';
import { booksOf, eventsOf, expectSoundBooks, invoicesOf, query, until, usageOf } from '../support/calls';
import { chat, customerWith, seedPrices, type World } from '../support/world';

const CREDIT = 1_000_000_000n;
const PRICE = 100_000_000n;

/** A failover takes every connection and refuses new ones for a while: work that is delivered is not given away. */
describe('a database that is away in mid-call', () => {
  let world: World;
  let road: Server;
  let port: number;
  const travellers = new Set<Socket>();

  beforeAll(async () => {
    const upstream = await startUpstream();
    const postgres = await startTemporaryPostgres();
    await migrate(postgres.ownerUrl, postgres.url);
    const there = new URL(postgres.url);
    road = createServer((near) => {
      const far = connect(Number(there.port), there.hostname);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        travellers.add(from);
        from
          .on('error', () => undefined)
          .on('close', () => {
            travellers.delete(from);
            to.destroy();
          });
        from.pipe(to);
      }
    });
    await new Promise<void>((listening) => road.listen(0, '127.0.0.1', listening));
    ({ port } = road.address() as AddressInfo);
    const url = new URL(postgres.url);
    url.port = String(port);
    const app = await startAppOn({ url: url.href }, { UPSTREAM_URL: upstream.url });
    await seedPrices(app);
    const stop = async () => {
      await app.stop();
      road.close();
      await postgres.stop();
      await upstream.stop();
    };
    world = { ...app, upstream, stop };
  });
  afterAll(() => world?.stop());

  /** Nobody is let through any more, and who is on the way is gone. */
  const takeAway = async () => {
    const closed = new Promise((gone) => road.close(gone));
    for (const socket of travellers) socket.destroy();
    await closed;
  };
  const giveBack = () => new Promise<void>((listening) => road.listen(port, '127.0.0.1', listening));
  const held = (customerId: string) =>
    until(
      async () => (await booksOf(world, customerId)).held.atoms,
      (atoms) => atoms > 0n,
    );

  it.each([
    ['in one piece', {}],
    ['as a stream', { stream: true, stream_options: { include_usage: true } }],
    ['in one piece, under an Idempotency-Key', { key: 'k' }],
  ])('an answer %s waits for its capture, and is charged once', async (_, { key: idempotencyKey, ...body }: any) => {
    const { key, customerId } = await customerWith(world, CREDIT);
    const before = world.upstream.calls().length;
    const headers = {
      'x-upstream-behave': 'slow=600,tokens=5',
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    };
    const call = chat(world.url, key, { model: 'flat', ...body }, headers);
    await held(customerId);
    await takeAway();
    await until(
      () => world.upstream.calls().length,
      (count) => count > before,
    );
    // The answer is there, its capture meets a closed door.
    await new Promise((go) => setTimeout(go, 1500));
    await giveBack();
    const response = await call;
    expect(response.status).toBe(200);
    const text = await response.text();
    if (body.stream) expect(eventsOf(text).at(-1)).toBe('[DONE]');
    const books = await booksOf(world, customerId);
    expect([books.posted.atoms, books.held.atoms]).toEqual([CREDIT - PRICE, 0n]);
    expect(await invoicesOf(world, customerId)).toHaveLength(1);
    expect(await usageOf(world, customerId)).toHaveLength(1);
    await expectSoundBooks(world);
  });

  it('refuses further calls in words, takes nothing for them, and is well when it is back', async () => {
    const { key, customerId } = await customerWith(world, CREDIT);
    await takeAway();
    const response = await chat(world.url, key);
    expect(response.status).toBeGreaterThanOrEqual(500);
    const problem = await response.text();
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(problem).not.toMatch(/postgres|ECONN|terminat|not currently accepting/);
    await giveBack();
    expect((await chat(world.url, key)).status).toBe(200);
    // Price changes are heard again, too.
    await query(world, `INSERT INTO models (id, endpoints) VALUES ('late', '{/v1/chat/completions}')`);
    await query(
      world,
      `INSERT INTO prices (id, model_id, version, effective_from, rates) VALUES ('p', 'late', 1, 'epoch', '{"perRequestNano":"1"}')`,
    );
    await until(
      async () => (await chat(world.url, key, { model: 'late' })).status,
      (status) => status === 200,
    );
    expect((await booksOf(world, customerId)).held.atoms).toBe(0n);
    await expectSoundBooks(world);
  });
});
