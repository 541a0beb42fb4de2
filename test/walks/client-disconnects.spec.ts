import { booksOf, costOf, expectSoundBooks, lastCall, until, usageOf } from '../support/calls';
import { type Leaving, send } from '../support/caller-that-leaves';
import { chat, customerWith, startWorld, type World } from '../support/world';

const CREDIT = 1_000_000_000n;

describe('a caller that leaves', () => {
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

  /** Sends, and leaves at the moment that `when` chooses. */
  async function leave(behave: string, body: object, when: (call: Leaving) => Promise<unknown>): Promise<void> {
    const call = send(world.url, key, { 'x-upstream-behave': behave }, body);
    await when(call);
    call.leave();
  }

  const recorded = async () =>
    (
      await until(
        () => usageOf(world, customerId),
        (rows) => rows.length === 1,
      )
    )[0];
  const held = () =>
    until(
      async () => (await booksOf(world, customerId)).held.atoms,
      (atoms) => atoms > 0n,
    );
  const firstBytes = ({ begun }: Leaving) => begun;

  async function expectBilledInFull(): Promise<any> {
    const usage = await recorded();
    const { prompt_tokens, completion_tokens } = lastCall(world).usage as any;
    expect(lastCall(world).outcome).toBe('completed');
    const atoms = costOf([prompt_tokens, 150_000_000n], [completion_tokens, 600_000_000n]);
    expect(usage).toMatchObject({ status: 'succeeded', usage_source: 'provider', atoms });
    const books = await booksOf(world, customerId);
    expect(books.held.atoms).toBe(0n);
    expect(books.posted.atoms).toBe(CREDIT - atoms);
    await expectSoundBooks(world);
    return usage;
  }

  it('in mid-stream: the rest is read for its usage, and what the provider bills is billed (TC-22, TC-29)', async () => {
    await leave('chunk-delay=10,tokens=40', { stream: true }, firstBytes);
    const usage = await expectBilledInFull();
    expect(usage.output_tokens).toBe(40n);
  });

  it('from a stream before its first byte: the same', async () => {
    await leave('slow=300,tokens=12', { stream: true }, held);
    await expectBilledInFull();
  });

  it('from an answer in one piece: the provider bills all of it, and so do we (TC-23)', async () => {
    await leave('slow=300,tokens=12', {}, held);
    await expectBilledInFull();
  });

  it('in mid-stream, and then the upstream breaks off: what was delivered, never the estimate (TC-28)', async () => {
    await leave('chunk-delay=20,reset-mid=20,tokens=400', { stream: true, max_tokens: 400 }, firstBytes);
    const usage = await recorded();
    expect(usage).toMatchObject({ status: 'interrupted', error_code: 'upstream_interrupted', output_tokens: 20n });
    const { posted, held } = await booksOf(world, customerId);
    expect(posted.atoms).toBe(CREDIT - costOf([Number(usage.input_tokens), 150_000_000n], [20, 600_000_000n]));
    expect(held.atoms).toBe(0n);
  });

  it('before the first byte, and then the upstream fails: nothing is charged', async () => {
    await leave('slow=200,fail=500', { stream: true }, held);
    expect(await recorded()).toMatchObject({ status: 'failed', atoms: 0n, error_code: 'upstream_failed' });
    const { posted, held: left } = await booksOf(world, customerId);
    expect([posted.atoms, left.atoms]).toEqual([CREDIT, 0n]);
  });

  it('a hundred times at any moment: every call has one record, and nothing stays held', async () => {
    const before = world.upstream.calls().length;
    const calls = Array.from({ length: 100 }, (_, n) =>
      leave(`slow=${n % 40},chunk-delay=1,tokens=20`, { stream: n % 3 !== 0 }, ({ ended }) =>
        n % 4 === 0 ? ended : new Promise((go) => setTimeout(go, n * 2)),
      ),
    );
    await Promise.all(calls);
    // What the upstream was asked is on record, call by call; who left before that has nothing on record.
    await until(
      async () => ({
        asked: world.upstream.calls().length - before,
        recorded: (await usageOf(world, customerId)).length,
        held: (await booksOf(world, customerId)).held.atoms,
      }),
      ({ asked, recorded, held }) => asked > 20 && asked === recorded && held === 0n,
    );
    const rows = await usageOf(world, customerId);
    const sum = rows.reduce((total, row) => total + row.atoms, 0n);
    expect((await booksOf(world, customerId)).posted.atoms).toBe(CREDIT - sum);
    expect(new Set(rows.map((row) => row.id)).size).toBe(rows.length);
    await expectSoundBooks(world);
    // The process is well.
    const response = await chat(world.url, key);
    expect(response.status).toBe(200);
  });
});
