import { HoldSweeper } from '../../src/ledger/hold-sweeper.service';
import { booksOf, eventsOf, expectSoundBooks, invoicesOf, query, textOf, until, usageOf } from '../support/calls';
import { send } from '../support/caller-that-leaves';
import { type ServerProcess, startServer } from '../support/process';
import { chat, customerWith, startWorld, type World } from '../support/world';

const CREDIT = 1_000_000_000n;
const PRICE = 100_000_000n;

/** Whenever a process dies: nothing stays held, nothing is charged twice (TC-08). */
describe('a process that is killed', () => {
  let world: World;
  let server: ServerProcess;
  let customerId: string;
  let key: string;

  beforeAll(async () => {
    world = await startWorld({ HOLD_TTL_SECONDS: '2', JOBS_IN_PROCESS: 'false' });
  });
  afterAll(() => world?.stop());
  beforeEach(async () => {
    ({ customerId, key } = await customerWith(world, CREDIT));
  });
  afterEach(async () => {
    await server.kill9();
    await expectSoundBooks(world);
  });

  const serve = async (env: Record<string, string> = {}): Promise<void> => {
    server = await startServer(world.databaseUrl, {
      UPSTREAM_URL: world.upstream.url,
      JOBS_IN_PROCESS: 'false',
      ...env,
    });
  };
  /** What it held is given back soon after it has died. */
  const serveBriefly = () => serve({ HOLD_TTL_SECONDS: '2' });
  const sweepers = () => {
    const sweeper = world.app.get(HoldSweeper, { strict: false });
    return Promise.all([sweeper.sweep(), sweeper.sweep()]);
  };
  const held = () =>
    until(
      async () => (await booksOf(world, customerId)).held.atoms,
      (atoms) => atoms > 0n,
    );

  it('while the upstream works: the hold comes back, once, from two sweepers', async () => {
    await serveBriefly();
    const flights = Array.from({ length: 3 }, () =>
      chat(server.url, key, { model: 'flat' }, { 'x-upstream-behave': 'slow=60000' }).catch(() => undefined),
    );
    await until(held, (atoms) => atoms === 3n * PRICE);
    expect(await sweepers()).toEqual([0, 0]);
    await server.kill9();
    await Promise.all(flights);
    expect((await booksOf(world, customerId)).held.atoms).toBe(3n * PRICE);
    const returned = await until(
      async () => {
        const [first, second] = await sweepers();
        return first + second;
      },
      (count) => count > 0,
    );
    // All three were held in one moment, or nearly.
    await until(
      async () => {
        await sweepers();
        return (await booksOf(world, customerId)).held.atoms;
      },
      (atoms) => atoms === 0n,
    );
    expect(returned).toBeLessThanOrEqual(3);
    const { posted, available } = await booksOf(world, customerId);
    expect([posted.atoms, available.atoms]).toEqual([CREDIT, CREDIT]);
    const states = await query(world, `SELECT state FROM holds WHERE customer_id = $1`, [customerId]);
    expect(states).toEqual(Array(3).fill({ state: 'expired' }));
    expect(await sweepers()).toEqual([0, 0]);
  });

  it('right behind the commit of a capture: charged once, and not again', async () => {
    await serveBriefly();
    const flight = chat(server.url, key, { model: 'flat' }, { 'x-upstream-behave': 'slow=200' }).catch(() => undefined);
    await until(
      async () => (await booksOf(world, customerId)).posted.atoms,
      (atoms) => atoms < CREDIT,
    );
    await server.kill9();
    await flight;
    await sweepers();
    const books = await booksOf(world, customerId);
    expect([books.posted.atoms, books.held.atoms]).toEqual([CREDIT - PRICE, 0n]);
    expect(await invoicesOf(world, customerId)).toHaveLength(1);
  });

  it('in mid-stream: what was delivered is not charged, and nothing stays held', async () => {
    await serveBriefly();
    const response = await chat(server.url, key, { stream: true }, { 'x-upstream-behave': 'chunk-delay=20,tokens=40' });
    const reader = (response.body as any).getReader();
    await reader.read();
    await server.kill9();
    await reader.read().catch(() => undefined);
    await until(
      async () => {
        await sweepers();
        return (await booksOf(world, customerId)).held.atoms;
      },
      (atoms) => atoms === 0n,
    );
    expect((await booksOf(world, customerId)).posted.atoms).toBe(CREDIT);
  });

  it('softly (SIGTERM): a running stream is finished and paid, then it ends', async () => {
    await serve();
    const response = await chat(server.url, key, { stream: true }, { 'x-upstream-behave': 'chunk-delay=30,tokens=40' });
    const reader = (response.body as any).getReader();
    let text = Buffer.from((await reader.read()).value).toString();
    const ended = server.terminate();
    for (let read = await reader.read(); !read.done; read = await reader.read())
      text += Buffer.from(read.value).toString();
    expect(eventsOf(text).at(-1)).toBe('[DONE]');
    expect(textOf(eventsOf(text))).not.toBe('');
    expect(await ended).toBe(0);
    const [usage] = await usageOf(world, customerId);
    expect(usage).toMatchObject({ status: 'succeeded', output_tokens: 40n });
    expect((await booksOf(world, customerId)).held.atoms).toBe(0n);
  });

  it('softly, while a call is drained whose caller has gone: it is paid all the same', async () => {
    await serve();
    const call = send(server.url, key, { 'x-upstream-behave': 'chunk-delay=30,tokens=40' }, { stream: true });
    await call.begun;
    call.leave();
    expect(await server.terminate()).toBe(0);
    const [usage] = await usageOf(world, customerId);
    expect(usage).toMatchObject({ status: 'succeeded', output_tokens: 40n });
    expect((await booksOf(world, customerId)).held.atoms).toBe(0n);
  });
});

/** A call that takes longer than a hold lives is charged all the same, once. */
describe('a hold that expires while its call still runs', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld({ HOLD_TTL_SECONDS: '1' });
  });
  afterAll(() => world?.stop());

  it('is returned by the sweeper, and the work is charged when it is delivered', async () => {
    const { key, customerId } = await customerWith(world, CREDIT);
    const call = chat(world.url, key, { model: 'flat' }, { 'x-upstream-behave': 'slow=2500' });
    await until(
      async () => {
        await world.app.get(HoldSweeper, { strict: false }).sweep();
        return query(world, `SELECT state FROM holds WHERE customer_id = $1`, [customerId]);
      },
      (holds) => holds[0]?.state === 'expired',
    );
    expect((await call).status).toBe(200);
    const books = await booksOf(world, customerId);
    expect([books.posted.atoms, books.held.atoms]).toEqual([CREDIT - PRICE, 0n]);
    expect(await invoicesOf(world, customerId)).toHaveLength(1);
    await expectSoundBooks(world);
  });
});
