import { CreditRecovery } from '../../src/payments/credit/credit-recovery.service';
import { HoldSweeper } from '../../src/ledger/hold-sweeper.service';
import { LedgerVerifyService } from '../../src/ledger/ledger-verify.service';
import { booksOf, expectSoundBooks, query, until, usageOf } from '../support/calls';
import { GrantsWorld } from '../support/grants-world';
import { brokenInvariants } from '../support/invariants';
import { asOwner } from '../support/owner';
import { type ServerProcess, startServer } from '../support/process';
import { chat, customerWith, startWorld, type World } from '../support/world';

const DOLLAR = 1_000_000_000n;
const DIME = DOLLAR / 10n;
const ROUNDS = 2;

/** Calls that a grant for their model and the customer's credit pay for together, wherever their process is killed. */
describe('kill -9 among calls that are held in parts', () => {
  let world: World;
  let grants: GrantsWorld;
  let server: ServerProcess | undefined;

  beforeAll(async () => {
    world = await startWorld({ JOBS_IN_PROCESS: 'false' });
    grants = new GrantsWorld(world);
  });
  afterAll(async () => {
    await server?.kill9();
    await world?.stop();
  });

  const start = async () => {
    server = await startServer(world.databaseUrl, { UPSTREAM_URL: world.upstream.url, JOBS_IN_PROCESS: 'false' });
    return server;
  };
  const send = (url: string, key: string, headers: Record<string, string>) =>
    chat(url, key, { model: 'flat' }, headers).then(
      async (response) => [response.status, await response.text()] as const,
      () => ['cut', ''] as const,
    );
  /** As time does, in ten minutes. */
  const later = async () => {
    await asOwner(
      world,
      `UPDATE holds SET expires_at = now() - interval '1 second' WHERE state = 'open'`,
      `UPDATE claims SET lease_until = now() - interval '1 second' WHERE state IN ('working', 'settling')`,
    );
    await world.app.get(CreditRecovery, { strict: false }).recover();
    await world.app.get(HoldSweeper, { strict: false }).sweep();
  };

  it('returns every part of calls in flight', async () => {
    const { customerId, key } = await customerWith(world, DOLLAR);
    const grant = await grants.giveFor(['flat'], customerId, DIME / 2n);
    const { url } = await start();
    const call = send(url, key, { 'x-upstream-behave': 'hang' });
    await until(
      () => query(world, `SELECT atoms FROM holds WHERE customer_id = $1 AND state = 'open'`, [customerId]),
      (open) => open.length === 2,
    );

    await server?.kill9();
    expect((await call)[0]).toBe('cut');
    await later();

    expect((await grants.remaining(grant)).free.atoms).toBe(DIME / 2n);
    expect((await booksOf(world, customerId)).available.atoms).toBe(DOLLAR);
    await expectSoundBooks(world);
  });

  it('charges each call that was answered once, in all its parts, and no other; a repeat is charged no more', async () => {
    const { customerId, key } = await customerWith(world, 10n * DOLLAR);
    const given: string[] = [];
    const calls = Array.from({ length: 30 }, (_, n) => ({ 'idempotency-key': `call-${n}` }));
    for (let round = 0; round < ROUNDS; round++) {
      for (const n of [1n, 2n]) given.push(await grants.giveFor(['flat'], customerId, (n * DIME) / 3n));
      const { url } = await start();
      let answered = 0;
      const sent = calls.map((headers) => send(url, key, headers).then((answer) => (answered++, answer)));
      await until(
        () => answered,
        (count) => count >= round * 7 + 1,
      );
      await server?.kill9();
      await Promise.all(sent);
      await later();
    }
    for (const headers of calls) expect((await send(world.url, key, headers))[0]).toBe(200);

    const charged = (await usageOf(world, customerId)).filter(({ atoms }) => atoms > 0n);
    expect(charged).toHaveLength(calls.length);
    const { posted, held } = await booksOf(world, customerId);
    let left = posted.atoms;
    for (const id of given) left += await grants.left(id);
    const all = 10n * DOLLAR + BigInt(ROUNDS) * (DIME / 3n + (2n * DIME) / 3n);
    expect([left, held.atoms]).toEqual([all - BigInt(calls.length) * DIME, 0n]);
    const entries = await query(
      world,
      `SELECT entry_id, sum(atoms)::bigint AS atoms FROM postings
        WHERE kind = 'call_captured' AND customer_id = $1 GROUP BY 1`,
      [customerId],
    );
    expect(entries.map(({ atoms }) => atoms)).toEqual(calls.map(() => DIME));
    await expectSoundBooks(world);
    expect(await brokenInvariants((sql, parameters) => query(world, sql, parameters))).toEqual([]);
    const { checks } = await world.app.get(LedgerVerifyService, { strict: false }).verify();
    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  });
});
