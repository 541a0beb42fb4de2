import { json, query, until } from '../support/calls';
import { GrantsWorld } from '../support/grants-world';
import { chat, customerWith, startWorld, type World } from '../support/world';

const DOLLAR = 1_000_000_000n;

describe('a customer that wants to know when credit runs low', () => {
  let world: World;
  let grants: GrantsWorld;

  beforeAll(async () => {
    world = await startWorld();
    grants = new GrantsWorld(world);
  });
  afterAll(() => world?.stop());

  const ask = (key: string, path: string, body?: unknown) =>
    fetch(`${world.url}${path}`, {
      method: body === undefined ? 'GET' : 'PUT',
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const told = async (key: string): Promise<string[]> => {
    const { data } = await json(await ask(key, '/v1/notifications'));
    return data
      .filter(({ kind }: { kind: string }) => kind === 'low_balance')
      .map((one: { data: { threshold: string } }) => one.data.threshold)
      .toReversed();
  };
  /** Calls of ten cents, all of whose consequences are done. */
  const call = async (key: string, times: number) => {
    for (let n = 0; n < times; n++) expect((await chat(world.url, key, { model: 'flat' })).status).toBe(200);
    await until(
      () => query(world, `SELECT id FROM jobs WHERE name = 'balance-crossed' AND finished_at IS NULL`),
      (left) => left.length === 0,
    );
  };

  it('is told once per threshold and crossing, and again when credit has come in between', async () => {
    const { customerId, key } = await customerWith(world, DOLLAR);
    expect(await json(await ask(key, '/v1/alerts', { thresholds: ['0.5', '0.9'] }))).toEqual({
      thresholds: ['0.9', '0.5'],
    });

    await call(key, 1);
    expect(await told(key)).toEqual([]);
    await call(key, 3);
    expect(await told(key)).toEqual(['0.9']);
    await call(key, 3);
    expect(await told(key)).toEqual(['0.9', '0.5']);

    await grants.give(customerId, DOLLAR);
    await call(key, 6);
    expect(await told(key)).toEqual(['0.9', '0.5', '0.9']);
  });

  it('is not told of what it was below when it asked, nor of what it does not want to know any more', async () => {
    const { key } = await customerWith(world, DOLLAR);
    await ask(key, '/v1/alerts', { thresholds: ['5', '0.8'] });
    await call(key, 1);
    expect(await told(key)).toEqual([]);
    expect(await json(await ask(key, '/v1/alerts', { thresholds: [] }))).toEqual({ thresholds: [] });
    await call(key, 3);
    expect(await told(key)).toEqual([]);
    const refused = await ask(key, '/v1/alerts', { thresholds: ['0'] });
    expect(refused.status).toBe(400);
  });
});
