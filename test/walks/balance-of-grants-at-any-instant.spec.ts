import { formatMoney, usd } from '../../src/common/money';
import type { LedgerHold } from '../../src/ledger/ledger.service';
import { expectSoundBooks, json, post, query } from '../support/calls';
import { GrantsWorld } from '../support/grants-world';
import { chat, customerWith, startWorld, type World } from '../support/world';

const DOLLAR = 1_000_000_000n;

describe('what was left of credit at an instant', () => {
  let world: World;
  let grants: GrantsWorld;

  beforeAll(async () => {
    world = await startWorld({ JOBS_IN_PROCESS: 'false' });
    grants = new GrantsWorld(world);
  });
  afterAll(() => world?.stop());

  const get = (path: string, token: string) =>
    fetch(`${world.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
  const asked = async (token: string, more: Record<string, string> = {}) =>
    json(await get(`/v1/credits/grants?${new URLSearchParams(more).toString()}`, token));
  const instant = async (): Promise<string> => (await grants.instant()).toISOString();
  const leftIn = (answer: { data: { id: string; left: string; state: string }[] }) =>
    Object.fromEntries(answer.data.map(({ id, left, state }) => [id, `${left} ${state}`]));

  it('is what it was, whatever has happened since and although nobody looked then', async () => {
    const { customerId, key } = await customerWith(world, 0n);
    const began = await instant();
    const paid = await grants.give(customerId, DOLLAR);
    const promo = await grants.give(customerId, DOLLAR / 5n, { class: 'promo' });
    const given = await instant();
    await chat(world.url, key, { model: 'flat' });
    const oneCall = await instant();
    await chat(world.url, key, { model: 'flat' });
    await chat(world.url, key, { model: 'flat' });
    const threeCalls = await instant();
    const later = await grants.give(customerId, DOLLAR);
    await chat(world.url, key, { model: 'flat' });
    await post(world, `/admin/grants/${promo}/void`, world.adminToken, { reason: 'Too late.' });

    expect(await asked(key, { at: began })).toMatchObject({ at: began, left: '0', data: [] });
    expect(leftIn(await asked(key, { at: given }))).toEqual({ [promo]: '0.2 active', [paid]: '1 active' });
    expect(leftIn(await asked(key, { at: oneCall }))).toEqual({ [promo]: '0.1 active', [paid]: '1 active' });
    expect(await asked(key, { at: threeCalls })).toMatchObject({
      ...{ customerId, left: '0.9', paid: '0.9', promo: '0', uncovered: '0', hasMore: false },
      data: [{ id: paid, left: '0.9', amount: '1' }],
    });
    expect(leftIn(await asked(key, { at: threeCalls, all: 'true' }))).toEqual({
      [promo]: '0 used',
      [paid]: '0.9 active',
    });
    expect(leftIn(await asked(key))).toEqual({ [later]: '1 active', [paid]: '0.8 active' });
    // The same balance as the books'.
    for (const at of [began, given, oneCall, threeCalls]) {
      const { balances } = await json(await get(`/v1/balance?at=${at}`, key));
      expect((await asked(key, { at })).left).toBe(balances[0].posted);
    }
    await expectSoundBooks(world);
  });

  it('is nothing of what had ended, whether that is booked or not; and what it was before that', async () => {
    const { customerId, key } = await customerWith(world, DOLLAR);
    const short = await grants.give(customerId, 2n * DOLLAR, { expiresAt: new Date(Date.now() + 600_000) });
    await grants.use(customerId, DOLLAR / 2n);
    const inFlight = (await grants.hold(customerId, DOLLAR)) as LedgerHold;
    const before = await instant();
    await grants.end(short);
    const unbooked = await instant();
    const views = async () => [
      (await asked(key, { at: before })).left,
      (await asked(key, { at: unbooked })).left,
      leftIn(await asked(key, { at: unbooked, all: 'true' }))[short],
      leftIn(await asked(key, { at: before }))[short],
    ];
    const expected = ['2.5', '1', '0 expired', '1.5 active'];
    expect(await views()).toEqual(expected);
    const [none] = await query(world, `SELECT count(*)::integer AS n FROM postings WHERE kind = 'grant_expired'`);
    expect(none).toEqual({ n: 0 });

    // The next call books it; what the one in flight holds it may use.
    await chat(world.url, key, { model: 'flat' });
    expect(await views()).toEqual(expected);
    await grants.capture(inFlight);
    expect(await views()).toEqual(expected);
    expect((await asked(key)).left).toBe((await json(await get('/v1/balance', key))).posted);
    await expectSoundBooks(world);
  });

  it('is found by pages, for whom it concerns', async () => {
    const { customerId, key } = await customerWith(world, 0n);
    const ids = [];
    for (let n = 1n; n <= 5n; n++) ids.unshift(await grants.give(customerId, n * DOLLAR));
    const first = await asked(key, { limit: '2' });
    const second = await asked(key, { limit: '3', before: first.data[1].id });
    expect([first.hasMore, second.hasMore]).toEqual([true, false]);
    expect([...first.data, ...second.data].map(({ id }) => id)).toEqual(ids);
    expect([first.left, second.left]).toEqual(Array.from({ length: 2 }, () => formatMoney(usd(15n * DOLLAR))));

    expect((await asked(world.adminToken, { customerId })).left).toBe('15');
    expect((await asked(world.adminToken)).code).toBe('customer_id_required');
    const { customerId: other } = await customerWith(world, 0n);
    expect((await asked(key, { customerId: other })).code).toBe('forbidden');
    expect((await asked(key, { at: 'yesterday' })).code).toBe('invalid_instant');
    expect((await asked(world.adminToken, { customerId: 'cus_none' })).code).toBe('customer_not_found');
  });
});
