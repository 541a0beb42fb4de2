import { LedgerVerifyService } from '../../src/ledger/ledger-verify.service';
import { usd } from '../../src/common/money';
import { booksOf, json, post, query, until } from '../support/calls';
import { FLAT, refusalOf, type ScopedWorld, startScopedWorld } from '../support/scoped-world';
import { chat, customerWith, giveCredit } from '../support/world';

const DOLLAR = 1_000_000_000n;
const DIME = DOLLAR / 10n;

describe('credit for the model "flat" alone', () => {
  let world: ScopedWorld;

  beforeAll(async () => {
    world = await startScopedWorld();
  });
  afterEach(() => world.sound());
  afterAll(async () => {
    await world?.stop();
  });

  it('pays for calls of it, and for no other though nothing else is there', async () => {
    const { customerId, key } = await customerWith(world, 0n);
    const grant = await world.give(customerId, 2n * DIME);

    expect(await refusalOf(await chat(world.url, key))).toEqual([402, 'insufficient_credit']);
    const served = await chat(world.url, key, FLAT);
    expect([served.status, served.headers.get('x-tollbridge-cost')]).toEqual([200, '0.1']);
    expect(await world.payers(customerId)).toEqual([[`grant:${grant}`, DIME]]);
    expect((await chat(world.url, key, { ...FLAT, stream: true })).status).toBe(200);
    await until(
      () => world.grants.left(grant),
      (left) => left === 0n,
    );

    const refused = await chat(world.url, key, FLAT);
    expect([refused.status, await json(refused)]).toMatchObject([
      402,
      { code: 'insufficient_credit', available: '0', missing: '0.1' },
    ]);
  });

  it('is given by the operator, once for a key, and taken back while it is not used', async () => {
    const { customerId, key } = await customerWith(world, 0n);
    const operate = (path: string, body: unknown) =>
      post(world, path, world.adminToken, body, { 'idempotency-key': `${customerId}${path}` });
    const wanted = { customerId, amount: '0.3', models: ['flat'], reason: 'a trial' };
    const given = await json(await operate('/admin/grants', wanted));
    expect(given).toMatchObject({ models: ['flat'], left: '0.3', state: 'active' });
    expect((await json(await operate('/admin/grants', wanted))).id).toBe(given.id);
    expect((await operate('/admin/grants', { ...wanted, models: ['dall-e-3'] })).status).toBe(409);
    expect((await operate('/admin/grants', { ...wanted, models: [] })).status).toBe(400);
    expect((await chat(world.url, key, FLAT)).status).toBe(200);
    const shown = await fetch(`${world.url}/v1/credits/grants`, { headers: { authorization: `Bearer ${key}` } });
    expect((await json(shown)).data).toMatchObject([{ id: given.id, left: '0.2', models: ['flat'] }]);

    const voided = await json(await operate(`/admin/grants/${given.id}/void`, { reason: 'over' }));

    expect(voided).toMatchObject({ left: '0', state: 'voided' });
    expect(await refusalOf(await chat(world.url, key, FLAT))).toEqual([402, 'insufficient_credit']);
  });

  it('and what the customer paid share a call, in the order of their turns, decided once for it', async () => {
    const { customerId, key } = await customerWith(world, DOLLAR);
    const [first, second] = [await world.give(customerId, DIME / 4n), await world.give(customerId, DIME / 2n)];
    const late = await world.give(customerId, DOLLAR, { priority: 60 });

    expect((await chat(world.url, key, FLAT)).status).toBe(200);

    // One step of the books: every part ends at the instant at which the charge is posted.
    const ended = await query(
      world,
      `SELECT holds.state, closed_at = posted_at AS with_the_charge FROM holds, postings
        WHERE holds.customer_id = $1 AND postings.customer_id = $1 AND kind = 'call_captured' AND line = 1 ORDER BY 1`,
      [customerId],
    );
    expect(ended.map(Object.values)).toEqual([
      ['captured', true],
      ['released', true],
      ['released', true],
    ]);
    expect(await world.payers(customerId)).toEqual([
      [`grant:${first}`, DIME / 4n],
      [`grant:${second}`, DIME / 2n],
      ['credits', DIME / 4n],
    ]);
    expect((await chat(world.url, key, FLAT)).status).toBe(200);
    expect(await world.payers(customerId)).toEqual([['credits', DIME]]);
    for (let n = 0; n < 9; n++) expect((await chat(world.url, key, FLAT)).status).toBe(200);
    expect(await world.payers(customerId)).toEqual([
      ['credits', DIME / 4n * 3n],
      [`grant:${late}`, DIME / 4n],
    ]); // prettier-ignore
    expect((await booksOf(world, customerId)).posted).toEqual(usd(0n));
    expect(await world.grants.left(late)).toBe(DOLLAR - DIME / 4n);
  });

  it('is told of together with other credit when both do not suffice', async () => {
    const { customerId, key } = await customerWith(world, DIME / 4n);
    await world.give(customerId, DIME / 2n);

    const refused = await chat(world.url, key, FLAT);

    expect([refused.status, await json(refused)]).toMatchObject([
      402,
      { code: 'insufficient_credit', required: '0.1', available: '0.075', missing: '0.025' },
    ]);
    expect(await query(world, 'SELECT id FROM holds WHERE customer_id = $1', [customerId])).toEqual([]);
  });

  it('is all there again when the upstream fails', async () => {
    const { customerId, key } = await customerWith(world, DOLLAR);
    const grant = await world.give(customerId, DIME / 2n);

    const failed = await chat(world.url, key, FLAT, { 'x-upstream-behave': 'fail=500' });

    expect(failed.status).toBeGreaterThanOrEqual(500);
    expect(await world.lastHolds(customerId)).toMatchObject([{ state: 'released' }, { state: 'released' }]);
    expect((await world.grants.remaining(grant)).free).toEqual(usd(DIME / 2n));
    expect((await booksOf(world, customerId)).available).toEqual(usd(DOLLAR));
  });

  it('pays for no call once it has ended, and is booked back', async () => {
    const { customerId, key } = await customerWith(world, 2n * DIME);
    const grant = await world.give(customerId, DIME, { expiresAt: new Date(Date.now() + 60_000) });
    await world.grants.end(grant);

    expect((await chat(world.url, key, FLAT)).status).toBe(200);

    expect(await world.payers(customerId)).toEqual([['credits', DIME]]);
    const ended = await query(
      world,
      `SELECT credit.code, atoms FROM postings JOIN ledger_accounts credit ON credit.id = credit_account_id
        WHERE kind = 'grant_expired' AND postings.customer_id = $1`,
      [customerId],
    );
    expect(ended).toEqual([{ code: 'expense:promo', atoms: DIME }]);
  });

  it('is part of the books that are proved', async () => {
    const { checks } = await world.app.get(LedgerVerifyService, { strict: false }).verify();
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('does not help who owes something, and repays nothing', async () => {
    const { customerId, key } = await customerWith(world, DIME);
    const hold = await world.grants.hold(customerId, DIME);
    if (hold) await world.grants.capture(hold, 3n * DIME);
    const grant = await world.give(customerId, DOLLAR);

    expect(await refusalOf(await chat(world.url, key, FLAT))).toEqual([402, 'credit_owed']);
    expect(await world.grants.left(grant)).toBe(DOLLAR);
    await giveCredit(world, customerId, 2n * DIME);
    expect((await chat(world.url, key, FLAT)).status).toBe(200);
    expect(await world.payers(customerId)).toEqual([[`grant:${grant}`, DIME]]);
  });

  it('weighs on budgets as all credit does, and a budget that refuses holds no part', async () => {
    const { customerId, key } = await customerWith(world, DOLLAR);
    await world.give(customerId, DIME / 2n);
    const set = await fetch(`${world.url}/v1/budgets`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ period: 'month', limit: '0.15' }),
    });
    expect(set.status).toBe(200);

    const served = await chat(world.url, key, { ...FLAT });
    expect(served.status).toBe(200);
    await world.give(customerId, DIME / 2n);
    expect(await refusalOf(await chat(world.url, key, FLAT))).toEqual([402, 'budget_exceeded']);

    const [counter] = await query(
      world,
      `SELECT held_atoms, spent_atoms FROM budget_counters c JOIN budgets b ON b.id = budget_id WHERE customer_id = $1`,
      [customerId],
    );
    expect(counter).toEqual({ held_atoms: 0n, spent_atoms: DIME });
    expect(await query(world, `SELECT id FROM holds WHERE customer_id = $1 AND state = 'open'`, [customerId])).toEqual(
      [],
    );
  });
});
