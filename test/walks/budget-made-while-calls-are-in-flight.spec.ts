import { expectSoundBooks, json, query } from '../support/calls';
import { GrantsWorld } from '../support/grants-world';
import { chat, customerWith, startWorld, type World } from '../support/world';

const DIME = 100_000_000n;

/** A budget counts from the next call on, and what was spent before: what is in flight in between is its only gap. */
describe('a budget that is made while calls are in flight', () => {
  let world: World;
  let grants: GrantsWorld;

  beforeAll(async () => {
    world = await startWorld();
    grants = new GrantsWorld(world);
  });
  afterAll(() => world?.stop());

  const ask = async (key: string, body?: unknown) =>
    json(
      await fetch(`${world.url}/v1/budgets`, {
        method: body === undefined ? 'GET' : 'PUT',
        headers: {
          authorization: `Bearer ${key}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
  const used = async (key: string) => (await ask(key)).data[0].used;

  it('counts what was spent before and what comes after, and misses what was held then, never more', async () => {
    const { customerId, key } = await customerWith(world, 100n * DIME);
    expect((await chat(world.url, key, { model: 'flat' })).status).toBe(200);
    const inFlight = await grants.hold(customerId, 2n * DIME);
    if (!inFlight) throw new Error('it was not held');

    expect(await ask(key, { period: 'month', limit: '0.3' })).toMatchObject({ used: '0.1', held: '0' });
    await grants.capture(inFlight);
    expect(await used(key)).toBe('0.1');

    const answers: number[] = [];
    for (let n = 0; n < 4; n++) answers.push((await chat(world.url, key, { model: 'flat' })).status);
    expect(answers).toEqual([200, 200, 402, 402]);
    expect(await used(key)).toBe('0.3');
    const [{ spent }] = await query(
      world,
      `SELECT sum(debits_posted)::bigint AS spent FROM ledger_accounts WHERE code = $1`,
      [`customer:${customerId}:credits`],
    );
    expect(spent).toBe(3n * DIME + 2n * DIME);
    await expectSoundBooks(world);
  });
});
