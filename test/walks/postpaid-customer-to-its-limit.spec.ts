import { usd } from '../../src/common/money';
import { LedgerVerifyService } from '../../src/ledger/ledger-verify.service';
import { booksOf, expectSoundBooks, json, query, until, usageOf } from '../support/calls';
import { GrantsWorld } from '../support/grants-world';
import { type ServerProcess, startServer } from '../support/process';
import { chat, customerWith, giveCredit, startWorld, type World } from '../support/world';

const DOLLAR = 1_000_000_000n;
const DIME = DOLLAR / 10n;

describe('a customer that pays afterwards, up to a limit', () => {
  let world: World;
  let grants: GrantsWorld;
  let processes: ServerProcess[] = [];

  beforeAll(async () => {
    world = await startWorld();
    grants = new GrantsWorld(world);
    const env = { UPSTREAM_URL: world.upstream.url };
    processes = await Promise.all([startServer(world.databaseUrl, env), startServer(world.databaseUrl, env)]);
  });
  afterAll(async () => {
    await Promise.all(processes.map((server) => server.kill9()));
    await world?.stop();
  });

  const put = (path: string, token: string, body: unknown) =>
    fetch(`${world.url}${path}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const limit = async (customerId: string, dollars: string) => {
    const answer = await put(`/admin/customers/${customerId}/credit-limit`, world.adminToken, { limit: dollars });
    return [answer.status, await json(answer)] as const;
  };
  const get = async (key: string, path: string) =>
    json(await fetch(`${world.url}${path}`, { headers: { authorization: `Bearer ${key}` } }));
  const call = (key: string, url = world.url) => chat(url, key, { model: 'flat' });

  it('is served by 200 calls at once in two processes exactly to it, and told that it is reached', async () => {
    const { customerId, key } = await customerWith(world, DOLLAR);
    expect(await limit(customerId, '4')).toMatchObject([200, { limit: '4', posted: '1' }]);

    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, n) => {
        const response = await call(key, (processes[n % 2] as ServerProcess).url);
        return response.status === 200 ? 'served' : (await json(response)).code;
      }),
    );

    expect(answers.filter((answer) => answer === 'served')).toHaveLength(50);
    const refused = await call(key);
    expect([refused.status, await json(refused)]).toMatchObject([
      402,
      { code: 'credit_limit_reached', creditLimit: '4', owed: '4', available: '0', required: '0.1' },
    ]);
    expect((await usageOf(world, customerId)).filter(({ atoms }) => atoms > 0n)).toHaveLength(50);
    expect(await booksOf(world, customerId)).toMatchObject({ posted: usd(-4n * DOLLAR), frozen: false, owed: 0n });
    expect(await get(key, '/v1/balance')).toMatchObject({
      available: '0',
      posted: '-4',
      owed: '4',
      creditLimit: '4',
      frozen: false,
    });
    await expectSoundBooks(world);
  });

  it('is within its limit for the proof of the books', async () => {
    const { customerId, key } = await customerWith(world, 0n);
    await limit(customerId, '1');
    expect((await call(key)).status).toBe(200);

    const { checks } = await world.app.get(LedgerVerifyService, { strict: false }).verify();

    expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('pays what it owes with whatever comes in next, and may use as much again', async () => {
    const { customerId, key } = await customerWith(world, 0n);
    await limit(customerId, '1');
    for (let n = 0; n < 10; n++) expect((await call(key)).status).toBe(200);
    expect((await call(key)).status).toBe(402);

    await giveCredit(world, customerId, DOLLAR / 2n);
    expect(await get(key, '/v1/balance')).toMatchObject({ available: '0.5', posted: '-0.5', owed: '0.5' });
    const answer = await call(key);
    expect([answer.status, answer.headers.get('x-tollbridge-balance')]).toEqual([200, '-0.6']);
    await giveCredit(world, customerId, DOLLAR);

    const left = await query(world, 'SELECT remaining_atoms FROM credit_grants WHERE customer_id = $1 ORDER BY id', [
      customerId,
    ]);
    expect(left.map((row) => row.remaining_atoms)).toEqual([0n, 4n * DIME]);
    expect(await get(key, '/v1/balance')).toMatchObject({ available: '1.4', posted: '0.4', owed: '0' });
    await expectSoundBooks(world);
  });

  it('has no limit lowered below what it uses, calls in flight included', async () => {
    const { customerId, key } = await customerWith(world, 0n);
    await limit(customerId, '1');
    expect((await call(key)).status).toBe(200);
    const held = await grants.hold(customerId, 2n * DIME);

    expect(await limit(customerId, '0.2')).toMatchObject([409, { code: 'credit_limit_in_use', used: '0.3' }]);
    expect(await limit(customerId, '0.3')).toMatchObject([200, { limit: '0.3', posted: '-0.1' }]);
    if (held) await grants.ledger.release(held);
    expect(await limit(customerId, '-1')).toMatchObject([400, {}]);
    expect(await limit('cus_nobody', '1')).toMatchObject([404, { code: 'customer_not_found' }]);
    expect((await put(`/admin/customers/${customerId}/credit-limit`, key, { limit: '9' })).status).toBe(403);
  });

  it('owes what a call costs beyond the limit as everybody does, and its next payment ends that first', async () => {
    const { customerId, key } = await customerWith(world, 0n);
    await limit(customerId, '0.1');
    const hold = await grants.hold(customerId, DIME);
    if (!hold) throw new Error('it was not held');
    await grants.capture(hold, 3n * DIME);
    expect(await booksOf(world, customerId)).toMatchObject({ posted: usd(-DIME), owed: 2n * DIME, frozen: true });
    expect((await json(await call(key))).code).toBe('credit_owed');

    await giveCredit(world, customerId, 2n * DIME);
    expect(await booksOf(world, customerId)).toMatchObject({ posted: usd(-DIME), owed: 0n, frozen: false });
    expect((await json(await call(key))).code).toBe('credit_limit_reached');
    await expectSoundBooks(world);
  });

  it('may be let out of such a debt by a higher limit', async () => {
    const { customerId, key } = await customerWith(world, 0n);
    await limit(customerId, '0.1');
    const hold = await grants.hold(customerId, DIME);
    if (hold) await grants.capture(hold, 3n * DIME);

    expect(await limit(customerId, '1')).toMatchObject([200, { posted: '-0.3' }]);

    expect(await booksOf(world, customerId)).toMatchObject({ owed: 0n, frozen: false });
    expect((await call(key)).status).toBe(200);
    await expectSoundBooks(world);
  });

  it('is told once that its credit runs low, however far below zero it goes, and again after it has paid', async () => {
    const { customerId, key } = await customerWith(world, 2n * DIME);
    await limit(customerId, '1');
    expect((await put('/v1/alerts', key, { thresholds: ['0.1'] })).status).toBe(200);
    const told = async () =>
      (await get(key, '/v1/notifications')).data.filter(({ kind }: { kind: string }) => kind === 'low_balance').length;
    const spend = async (times: number) => {
      for (let n = 0; n < times; n++) expect((await call(key)).status).toBe(200);
      await until(
        () => query(world, `SELECT id FROM jobs WHERE name = 'balance-crossed' AND finished_at IS NULL`),
        (left) => left.length === 0,
      );
    };

    await spend(5);
    expect(await told()).toBe(1);
    await giveCredit(world, customerId, 2n * DIME);
    await spend(1);
    expect(await told()).toBe(1);
    await giveCredit(world, customerId, DOLLAR);
    await spend(8);
    expect(await told()).toBe(2);
    await expectSoundBooks(world);
  });
});
