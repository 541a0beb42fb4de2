import { CreditRecovery } from '../../src/payments/credit/credit-recovery.service';
import { ScopedGrants } from '../../src/credits/scoped-grants.service';
import { HoldSweeper } from '../../src/ledger/hold-sweeper.service';
import { LedgerVerifyService } from '../../src/ledger/ledger-verify.service';
import { usd } from '../../src/common/money';
import { booksOf, expectSoundBooks, json, post, query, until } from '../support/calls';
import { GrantsWorld } from '../support/grants-world';
import { brokenInvariants } from '../support/invariants';
import { asOwner } from '../support/owner';
import { type ServerProcess, startServer } from '../support/process';
import { chat, customerWith, giveCredit, startWorld, type World } from '../support/world';

const DOLLAR = 1_000_000_000n;
const DIME = DOLLAR / 10n;
const FLAT = { model: 'flat' };

describe('credit for the model "flat" alone', () => {
  let world: World;
  let grants: GrantsWorld;
  let processes: ServerProcess[] = [];

  beforeAll(async () => {
    world = await startWorld({ JOBS_IN_PROCESS: 'false' });
    grants = new GrantsWorld(world);
    const env = { UPSTREAM_URL: world.upstream.url, JOBS_IN_PROCESS: 'false' };
    processes = await Promise.all([startServer(world.databaseUrl, env), startServer(world.databaseUrl, env)]);
  });
  afterEach(async () => {
    await expectSoundBooks(world);
    expect(await brokenInvariants((sql, parameters) => query(world, sql, parameters))).toEqual([]);
  });
  afterAll(async () => {
    await Promise.all(processes.map((server) => server.kill9()));
    await world?.stop();
  });

  const give = (customerId: string, atoms: bigint, more = {}) => grants.giveFor(['flat'], customerId, atoms, more);
  const refusalOf = async (response: Response) => [response.status, (await json(response)).code];
  /** Who paid for the newest call, in the order of the lines. */
  const payers = async (customerId: string) =>
    (
      await query(
        world,
        `SELECT debit.code, atoms FROM postings JOIN ledger_accounts debit ON debit.id = debit_account_id
          WHERE entry_id = (SELECT max(entry_id) FROM postings WHERE kind = 'call_captured' AND customer_id = $1)
          ORDER BY line`,
        [customerId],
      )
    ).map(({ code, atoms }) => [code.replace(`customer:${customerId}:`, ''), atoms]);
  const lastHolds = (customerId: string) =>
    query(world, `SELECT state, atoms FROM holds WHERE customer_id = $1 ORDER BY opened_at DESC, id DESC LIMIT 2`, [
      customerId,
    ]);

  it('pays for calls of it, and for no other though nothing else is there', async () => {
    const { customerId, key } = await customerWith(world, 0n);
    const grant = await give(customerId, 2n * DIME);

    expect(await refusalOf(await chat(world.url, key))).toEqual([402, 'insufficient_credit']);
    const served = await chat(world.url, key, FLAT);
    expect([served.status, served.headers.get('x-tollbridge-cost')]).toEqual([200, '0.1']);
    expect(await payers(customerId)).toEqual([[`grant:${grant}`, DIME]]);
    expect((await chat(world.url, key, { ...FLAT, stream: true })).status).toBe(200);
    await until(
      () => grants.left(grant),
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
    const [first, second] = [await give(customerId, DIME / 4n), await give(customerId, DIME / 2n)];
    const late = await give(customerId, DOLLAR, { priority: 60 });

    expect((await chat(world.url, key, FLAT)).status).toBe(200);

    expect(await payers(customerId)).toEqual([
      [`grant:${first}`, DIME / 4n],
      [`grant:${second}`, DIME / 2n],
      ['credits', DIME / 4n],
    ]);
    expect((await chat(world.url, key, FLAT)).status).toBe(200);
    expect(await payers(customerId)).toEqual([['credits', DIME]]);
    for (let n = 0; n < 9; n++) expect((await chat(world.url, key, FLAT)).status).toBe(200);
    expect(await payers(customerId)).toEqual([
      ['credits', DIME / 4n * 3n],
      [`grant:${late}`, DIME / 4n],
    ]); // prettier-ignore
    expect((await booksOf(world, customerId)).posted).toEqual(usd(0n));
    expect(await grants.left(late)).toBe(DOLLAR - DIME / 4n);
  });

  it('is told of together with other credit when both do not suffice', async () => {
    const { customerId, key } = await customerWith(world, DIME / 4n);
    await give(customerId, DIME / 2n);

    const refused = await chat(world.url, key, FLAT);

    expect([refused.status, await json(refused)]).toMatchObject([
      402,
      { code: 'insufficient_credit', required: '0.1', available: '0.075', missing: '0.025' },
    ]);
    expect(await query(world, 'SELECT id FROM holds WHERE customer_id = $1', [customerId])).toEqual([]);
  });

  it('is all there again when the upstream fails', async () => {
    const { customerId, key } = await customerWith(world, DOLLAR);
    const grant = await give(customerId, DIME / 2n);

    const failed = await chat(world.url, key, FLAT, { 'x-upstream-behave': 'fail=500' });

    expect(failed.status).toBeGreaterThanOrEqual(500);
    expect(await lastHolds(customerId)).toMatchObject([{ state: 'released' }, { state: 'released' }]);
    expect((await grants.remaining(grant)).free).toEqual(usd(DIME / 2n));
    expect((await booksOf(world, customerId)).available).toEqual(usd(DOLLAR));
  });

  it('pays for no call once it has ended, and is booked back', async () => {
    const { customerId, key } = await customerWith(world, 2n * DIME);
    const grant = await give(customerId, DIME, { expiresAt: new Date(Date.now() + 60_000) });
    await grants.end(grant);

    expect((await chat(world.url, key, FLAT)).status).toBe(200);

    expect(await payers(customerId)).toEqual([['credits', DIME]]);
    const ended = await query(
      world,
      `SELECT credit.code, atoms FROM postings JOIN ledger_accounts credit ON credit.id = credit_account_id
        WHERE kind = 'grant_expired' AND postings.customer_id = $1`,
      [customerId],
    );
    expect(ended).toEqual([{ code: 'expense:promo', atoms: DIME }]);
  });

  it('may still be used by a call that was let in before it ended', async () => {
    const { customerId, key } = await customerWith(world, 0n);
    const grant = await give(customerId, DIME);
    const call = chat(world.url, key, FLAT, { 'x-upstream-behave': 'slow=800' });
    await until(
      () => lastHolds(customerId),
      (holds) => holds.some(({ state }: { state: string }) => state === 'open'),
    );
    await grants.end(grant);
    expect(await refusalOf(await chat(world.url, key, FLAT))).toEqual([402, 'insufficient_credit']);

    expect((await call).status).toBe(200);
    expect(await payers(customerId)).toEqual([[`grant:${grant}`, DIME]]);
  });

  it('is part of the books that are proved', async () => {
    const { checks } = await world.app.get(LedgerVerifyService, { strict: false }).verify();
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('does not help who owes something, and repays nothing', async () => {
    const { customerId, key } = await customerWith(world, DIME);
    const hold = await grants.hold(customerId, DIME);
    if (hold) await grants.capture(hold, 3n * DIME);
    const grant = await give(customerId, DOLLAR);

    expect(await refusalOf(await chat(world.url, key, FLAT))).toEqual([402, 'credit_owed']);
    expect(await grants.left(grant)).toBe(DOLLAR);
    await giveCredit(world, customerId, 2n * DIME);
    expect((await chat(world.url, key, FLAT)).status).toBe(200);
    expect(await payers(customerId)).toEqual([[`grant:${grant}`, DIME]]);
  });

  it('weighs on budgets as all credit does, and a budget that refuses holds no part', async () => {
    const { customerId, key } = await customerWith(world, DOLLAR);
    await give(customerId, DIME / 2n);
    const set = await fetch(`${world.url}/v1/budgets`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ period: 'month', limit: '0.15' }),
    });
    expect(set.status).toBe(200);

    const served = await chat(world.url, key, { ...FLAT });
    expect(served.status).toBe(200);
    await give(customerId, DIME / 2n);
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

  it('is used to the last cent by 120 calls at once in two processes, and no further', async () => {
    const { customerId, key } = await customerWith(world, 3n * DOLLAR + DIME / 2n);
    const grant = await give(customerId, 2n * DOLLAR + DIME / 2n);

    const answers = await Promise.all(
      Array.from({ length: 120 }, async (_, n) => {
        const response = await chat((processes[n % 2] as ServerProcess).url, key, FLAT);
        return response.status === 200 ? 'served' : (await json(response)).code;
      }),
    );

    const served = answers.filter((answer) => answer === 'served').length;
    expect(
      new Set(answers.filter((answer) => !/^(served|insufficient_credit|credit_in_flight)$/.test(answer))),
    ).toEqual(new Set());
    for (let n = served; n < 51; n++) expect((await chat(world.url, key, FLAT)).status).toBe(200);
    expect(await refusalOf(await chat(world.url, key, FLAT))).toEqual([402, 'insufficient_credit']);
    expect([await grants.left(grant), (await booksOf(world, customerId)).posted.atoms]).toEqual([0n, 0n]);
  });

  it('is asked for no more by the look-up of a key once it is used up', async () => {
    const { customerId, key } = await customerWith(world, DOLLAR);
    await give(customerId, DIME);
    const hinted = async () =>
      (await query(world, 'SELECT scoped_grants FROM customers WHERE id = $1', [customerId]))[0].scoped_grants;
    expect(await hinted()).toHaveLength(1);
    expect((await chat(world.url, key, FLAT)).status).toBe(200);
    expect((await chat(world.url, key, FLAT)).status).toBe(200);
    expect(await payers(customerId)).toEqual([['credits', DIME]]);

    await world.app.get(ScopedGrants, { strict: false }).tidy();

    expect(await hinted()).toBeNull();
    expect((await chat(world.url, key, FLAT)).status).toBe(200);
  });

  it('is charged for an answer that came after its hold had expired, also when another call has used it', async () => {
    const { customerId, key } = await customerWith(world, DOLLAR);
    const grant = await give(customerId, DIME);
    const expire = async () => {
      await asOwner(world, `UPDATE holds SET expires_at = now() - interval '1 second' WHERE state = 'open'`);
      await world.app.get(HoldSweeper, { strict: false }).sweep();
    };
    const slow = async () => {
      const call = chat(world.url, key, FLAT, { 'x-upstream-behave': 'slow=2500' });
      await until(
        () => query(world, `SELECT id FROM holds WHERE customer_id = $1 AND state = 'open'`, [customerId]),
        (open) => open.length === 2,
      );
      await expire();
      return call;
    };

    const first = slow();
    expect((await first).status).toBe(200);
    expect(await payers(customerId)).toEqual([[`grant:${grant}`, DIME]]);

    const other = await give(customerId, DIME);
    const second = slow();
    await until(
      () => query(world, `SELECT id FROM holds WHERE customer_id = $1 AND state = 'expired'`, [customerId]),
      (expired) => expired.length === 4,
    );
    expect((await chat(world.url, key, FLAT)).status).toBe(200);
    expect(await payers(customerId)).toEqual([[`grant:${other}`, DIME]]);
    expect((await second).status).toBe(200);
    expect(await payers(customerId)).toEqual([['credits', DIME]]);
  });

  it('is charged once for an Idempotency-Key whose process died with the answer', async () => {
    const { customerId, key } = await customerWith(world, DOLLAR);
    const grant = await give(customerId, DIME / 2n);
    const again = { 'idempotency-key': 'once' };
    expect((await chat(world.url, key, FLAT, again)).status).toBe(200);
    const kept = await query(world, `SELECT capture FROM claims WHERE customer_id = $1`, [customerId]);
    expect(kept[0].capture.legs).toHaveLength(2);
    await query(
      world,
      `UPDATE claims SET state = 'settling', lease_until = now() - interval '1 second' WHERE customer_id = $1`,
      [customerId],
    );

    expect(await world.app.get(CreditRecovery, { strict: false }).recover()).toBe(1);

    expect((await chat(world.url, key, FLAT, again)).status).toBe(200);
    expect([await grants.left(grant), (await booksOf(world, customerId)).posted.atoms]).toEqual([
      0n,
      DOLLAR - DIME / 2n,
    ]);
  });
});
