import { prefixedId } from '../../src/common/id';
import { usd } from '../../src/common/money';
import type { LedgerHold } from '../../src/ledger/ledger.service';
import { booksOf, expectSoundBooks, json, post, query } from '../support/calls';
import { GrantsWorld } from '../support/grants-world';
import { chat, customerWith, startWorld, type World } from '../support/world';

const DOLLAR = 1_000_000_000n;
const TERMS = { amount: '5', reason: 'For the outage.' };

describe('an operator that gives credit', () => {
  let world: World;
  let grants: GrantsWorld;

  beforeAll(async () => {
    world = await startWorld({ JOBS_IN_PROCESS: 'false' });
    grants = new GrantsWorld(world);
  });
  afterAll(() => world?.stop());

  const give = (body: object, headers?: Record<string, string>) =>
    post(world, '/admin/grants', world.adminToken, body, headers);
  const voidIt = (id: string) => post(world, `/admin/grants/${id}/void`, world.adminToken, { reason: 'A mistake.' });
  const balanceOf = async (code: string): Promise<bigint> => {
    const sql = 'SELECT credits_posted - debits_posted AS balance FROM ledger_accounts WHERE code = $1 AND asset = $2';
    return (await query(world, sql, [code, 'USD']))[0]?.balance ?? 0n;
  };

  it('pays for calls with it, and sees where it came from', async () => {
    const { customerId, key } = await customerWith(world, 0n);
    const [promo, refunds] = [await balanceOf('expense:promo'), await balanceOf('revenue:refunds')];

    const gift = await give({ customerId, ...TERMS, expiresAt: '2999-01-01' });
    expect(gift.status).toBe(201);
    expect(await json(gift)).toMatchObject({
      ...{ class: 'promo', origin: 'manual', amount: '5', left: '5', frozen: '0', state: 'active', priority: 40 },
      expiresAt: '2999-01-01T00:00:00.000Z',
    });
    const correction = await json(await give({ customerId, ...TERMS, class: 'paid', amount: '2', priority: 7 }));
    expect(correction).toMatchObject({ class: 'paid', priority: 7, expiresAt: null });
    expect((await chat(world.url, key, { model: 'flat' })).status).toBe(200);

    const listed = await fetch(`${world.url}/admin/customers/${customerId}/grants`, {
      headers: { authorization: `Bearer ${world.adminToken}` },
    });
    // The lower priority goes first.
    expect(await json(listed)).toMatchObject({
      ...{ customerId, left: '6.9', paid: '1.9', promo: '5', uncovered: '0', hasMore: false },
      data: [
        { id: correction.id, left: '1.9' },
        { class: 'promo', left: '5' },
      ],
    });
    expect((await balanceOf('expense:promo')) - promo).toBe(-5n * DOLLAR);
    expect((await balanceOf('revenue:refunds')) - refunds).toBe(-2n * DOLLAR);
    await expectSoundBooks(world);
  });

  it('gives once for one Idempotency-Key, however often and however many at once', async () => {
    const { customerId } = await customerWith(world, 0n);
    const headers = { 'idempotency-key': 'ticket-4711' };
    const copies = await Promise.all(Array.from({ length: 8 }, () => give({ customerId, ...TERMS }, headers)));
    const answers = await Promise.all(copies.map(json));
    expect(copies.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 201));
    expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
    expect((await booksOf(world, customerId)).posted).toEqual(usd(5n * DOLLAR));

    const other = await give({ customerId, ...TERMS, amount: '6' }, headers);
    expect([other.status, (await json(other)).code]).toEqual([409, 'idempotency_key_reused']);
    await voidIt(answers[0].id);
    expect((await json(await give({ customerId, ...TERMS }, headers))).id).toBe(answers[0].id);
    expect((await booksOf(world, customerId)).posted).toEqual(usd(0n));
  });

  it.each([
    [{ amount: '0' }, 400, 'invalid_request'],
    [{ amount: '-1' }, 400, 'invalid_request'],
    [{ amount: 5 }, 400, 'invalid_request'],
    [{ reason: '' }, 400, 'invalid_request'],
    [{ class: 'gold' }, 400, 'invalid_request'],
    [{ expiresAt: '2020-01-01' }, 400, 'grant_ends_in_the_past'],
    [{ expiresAt: 'soon' }, 400, 'invalid_instant'],
    [{ customerId: 'cus_none' }, 404, 'customer_not_found'],
  ])('is refused %j', async (change, status, code) => {
    const { customerId } = await customerWith(world, 0n);
    const refused = await give({ customerId, ...TERMS, ...change });
    expect([refused.status, (await json(refused)).code]).toEqual([status, code]);
  });

  it('takes back what is left, and breaks no call in flight', async () => {
    const { customerId } = await customerWith(world, 0n);
    const { id } = await json(await give({ customerId, ...TERMS }));
    await grants.use(customerId, DOLLAR);
    const [used, returned] = [await grants.hold(customerId, DOLLAR), await grants.hold(customerId, DOLLAR / 2n)];
    const promo = await balanceOf('expense:promo');

    expect(await json(await voidIt(id))).toMatchObject({ id, state: 'voided', left: '0' });

    // Of five dollars one is used, and one and a half are held.
    expect((await balanceOf('expense:promo')) - promo).toBe((5n * DOLLAR) / 2n);
    expect(await grants.hold(customerId, 1n)).toBeUndefined();
    await grants.capture(used as LedgerHold);
    await grants.ledger.release(returned as LedgerHold);
    expect((await booksOf(world, customerId)).posted).toEqual(usd(DOLLAR / 2n));
    expect(await json(await voidIt(id))).toMatchObject({ state: 'voided', left: '0' });
    // What the call gave back ends like any credit that has ended.
    await grants.end(id);
    expect(await grants.hold(customerId, 1n)).toBeUndefined();
    expect((await booksOf(world, customerId)).posted).toEqual(usd(0n));
    expect((await balanceOf('expense:promo')) - promo).toBe(3n * DOLLAR);
    await expectSoundBooks(world);
  });

  it('takes a correction back to where it came from, and nothing that was paid for', async () => {
    const { customerId } = await customerWith(world, DOLLAR);
    const refunds = await balanceOf('revenue:refunds');
    const { id } = await json(await give({ customerId, ...TERMS, class: 'paid' }));
    expect(await json(await voidIt(id))).toMatchObject({ state: 'voided', left: '0' });
    expect(await balanceOf('revenue:refunds')).toBe(refunds);
    expect((await booksOf(world, customerId)).posted).toEqual(usd(DOLLAR));

    const paid = await grants.give(customerId, DOLLAR);
    const refused = await voidIt(paid);
    expect([refused.status, (await json(refused)).code]).toEqual([409, 'grant_not_voidable']);
    const unknown = await voidIt(prefixedId('grt'));
    expect([unknown.status, (await json(unknown)).code]).toEqual([404, 'grant_not_found']);
    await expectSoundBooks(world);
  });

  it('who voids and uses at once leaves neither too much nor too little', async () => {
    const { customerId } = await customerWith(world, 0n);
    const { id } = await json(await give({ customerId, ...TERMS }));
    const results = await Promise.all([
      ...Array.from({ length: 10 }, () => grants.hold(customerId, DOLLAR / 2n)),
      ...Array.from({ length: 3 }, () => voidIt(id)),
    ]);
    const holds = results.filter((result): result is LedgerHold => result !== undefined && 'account' in result);
    await Promise.all(holds.map((hold) => grants.capture(hold)));
    const moved = await query(
      world,
      `SELECT kind, sum(atoms)::bigint AS atoms FROM grant_movements WHERE grant_id = $1 AND kind = 'voided' GROUP BY 1`,
      [id],
    );
    expect((moved[0]?.atoms ?? 0n) + BigInt(holds.length) * (DOLLAR / 2n)).toBe(5n * DOLLAR);
    await expectSoundBooks(world);
  });

  it('takes nothing twice when credit is voided at the instant at which it ends', async () => {
    for (let n = 0; n < 10; n++) {
      const { customerId } = await customerWith(world, 0n);
      const { id } = await json(await give({ customerId, ...TERMS }));
      await grants.use(customerId, DOLLAR);
      const looks = [grants.end(id), voidIt(id), grants.hold(customerId, 1n), voidIt(id), grants.hold(customerId, 1n)];
      await Promise.all(looks);
      const [moved] = await query(
        world,
        `SELECT sum(atoms)::bigint AS atoms FROM grant_movements WHERE grant_id = $1 AND kind IN ('expired', 'voided')`,
        [id],
      );
      const { posted, held } = await booksOf(world, customerId);
      // One call may have come before either.
      expect(moved.atoms + posted.atoms).toBe(4n * DOLLAR);
      expect(posted).toEqual(held);
    }
    await expectSoundBooks(world);
  });
});
