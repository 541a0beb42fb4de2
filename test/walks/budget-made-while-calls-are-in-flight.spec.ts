import { expectSoundBooks, json, query } from '../support/calls';
import { GrantsWorld } from '../support/grants-world';
import { chat, customerWith, startWorld, type World } from '../support/world';

const DIME = 100_000_000n;

/** A budget counts what was spent before it, and what calls hold that were let in before it. */
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

  it('counts what was spent before, what is held, and what comes of it', async () => {
    const { customerId, key } = await customerWith(world, 100n * DIME);
    expect((await chat(world.url, key, { model: 'flat' })).status).toBe(200);
    const hold = async (atoms: bigint) => {
      const held = await grants.hold(customerId, atoms);
      if (!held) throw new Error('it was not held');
      return held;
    };
    const [charged, returned] = [await hold(2n * DIME), await hold(2n * DIME)];

    expect(await ask(key, { period: 'month', limit: '0.5' })).toMatchObject({ used: '0.1', held: '0.4' });
    const refused = await chat(world.url, key, { model: 'flat' });
    expect([refused.status, (await json(refused)).code]).toEqual([402, 'budget_in_flight']);
    await grants.capture(charged);
    await grants.ledger.release(returned);
    expect(await ask(key)).toMatchObject({ data: [{ used: '0.3', held: '0' }] });

    const answers: number[] = [];
    for (let n = 0; n < 4; n++) answers.push((await chat(world.url, key, { model: 'flat' })).status);
    expect(answers).toEqual([200, 200, 402, 402]);
    expect(await used(key)).toBe('0.5');
    const [{ spent }] = await query(
      world,
      `SELECT sum(debits_posted)::bigint AS spent FROM ledger_accounts WHERE code = $1`,
      [`customer:${customerId}:credits`],
    );
    expect(spent).toBe(3n * DIME + 2n * DIME);
    await expectSoundBooks(world);
  });
});
