import { CreditRecovery } from '../../src/payments/credit/credit-recovery.service';
import { ScopedGrants } from '../../src/credits/scoped-grants.service';
import { HoldSweeper } from '../../src/ledger/hold-sweeper.service';
import { booksOf, json, query, until } from '../support/calls';
import { asOwner } from '../support/owner';
import { type ServerProcess, startServer } from '../support/process';
import { FLAT, refusalOf, type ScopedWorld, startScopedWorld } from '../support/scoped-world';
import { chat, customerWith } from '../support/world';

const DOLLAR = 1_000_000_000n;
const DIME = DOLLAR / 10n;

describe('credit for the model "flat" alone, among many calls and late ones', () => {
  let world: ScopedWorld;
  let processes: ServerProcess[] = [];

  beforeAll(async () => {
    world = await startScopedWorld();
    const env = { UPSTREAM_URL: world.upstream.url, JOBS_IN_PROCESS: 'false' };
    processes = await Promise.all([startServer(world.databaseUrl, env), startServer(world.databaseUrl, env)]);
  });
  afterEach(() => world.sound());
  afterAll(async () => {
    await Promise.all(processes.map((server) => server.kill9()));
    await world?.stop();
  });

  it('may still be used by a call that was let in before it ended', async () => {
    const { customerId, key } = await customerWith(world, 0n);
    const grant = await world.give(customerId, DIME);
    const call = chat(world.url, key, FLAT, { 'x-upstream-behave': 'slow=800' });
    await until(
      () => world.lastHolds(customerId),
      (holds) => holds.some(({ state }: { state: string }) => state === 'open'),
    );
    await world.grants.end(grant);
    expect(await refusalOf(await chat(world.url, key, FLAT))).toEqual([402, 'insufficient_credit']);

    expect((await call).status).toBe(200);
    expect(await world.payers(customerId)).toEqual([[`grant:${grant}`, DIME]]);
  });

  it('is used to the last cent by 120 calls at once in two processes, and no further', async () => {
    const { customerId, key } = await customerWith(world, 3n * DOLLAR + DIME / 2n);
    const grant = await world.give(customerId, 2n * DOLLAR + DIME / 2n);

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
    expect([await world.grants.left(grant), (await booksOf(world, customerId)).posted.atoms]).toEqual([0n, 0n]);
  });

  it('is asked for no more by the look-up of a key once it is used up', async () => {
    const { customerId, key } = await customerWith(world, DOLLAR);
    await world.give(customerId, DIME);
    const hinted = async () =>
      (await query(world, 'SELECT scoped_grants FROM customers WHERE id = $1', [customerId]))[0].scoped_grants;
    expect(await hinted()).toHaveLength(1);
    expect((await chat(world.url, key, FLAT)).status).toBe(200);
    expect((await chat(world.url, key, FLAT)).status).toBe(200);
    expect(await world.payers(customerId)).toEqual([['credits', DIME]]);

    await world.app.get(ScopedGrants, { strict: false }).tidy();

    expect(await hinted()).toBeNull();
    expect((await chat(world.url, key, FLAT)).status).toBe(200);
  });

  it('is charged for an answer that came after its hold had expired, also when another call has used it', async () => {
    const { customerId, key } = await customerWith(world, DOLLAR);
    const grant = await world.give(customerId, DIME);
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
    expect(await world.payers(customerId)).toEqual([[`grant:${grant}`, DIME]]);

    const other = await world.give(customerId, DIME);
    const second = slow();
    await until(
      () => query(world, `SELECT id FROM holds WHERE customer_id = $1 AND state = 'expired'`, [customerId]),
      (expired) => expired.length === 4,
    );
    expect((await chat(world.url, key, FLAT)).status).toBe(200);
    expect(await world.payers(customerId)).toEqual([[`grant:${other}`, DIME]]);
    expect((await second).status).toBe(200);
    expect(await world.payers(customerId)).toEqual([['credits', DIME]]);
  });

  it('is charged once for an Idempotency-Key whose process died with the answer', async () => {
    const { customerId, key } = await customerWith(world, DOLLAR);
    const grant = await world.give(customerId, DIME / 2n);
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
    expect([await world.grants.left(grant), (await booksOf(world, customerId)).posted.atoms]).toEqual([
      0n,
      DOLLAR - DIME / 2n,
    ]);
  });
});
