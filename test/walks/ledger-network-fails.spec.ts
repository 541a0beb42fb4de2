import { newId } from '../../src/common/id';
import { usd } from '../../src/common/money';
import { DatabaseService } from '../../src/database/database.service';
import { topUpReceived } from '../../src/ledger/entries';
import { customerCredits } from '../../src/ledger/ledger-account';
import { LedgerService } from '../../src/ledger/ledger.service';
import { startTemporaryPostgres } from '../../src/local/postgres';
import { startUpstream } from '../../src/local/upstream/upstream-simulator';
import { migrate, startAppOn } from '../support/app';
import { json } from '../support/calls';
import { brokenInvariants } from '../support/invariants';
import { openRoad, type Road } from '../support/database-road';
import { chat, customerWith, seedPrices, type World } from '../support/world';

jest.setTimeout(90_000);

const CREDIT = 1_000_000_000n;

/** Between the application and its database everything may get lost: also the answer to what was done. */
describe('a network that fails between the ledger and PostgreSQL', () => {
  let world: World;
  let road: Road;
  let ledger: LedgerService;

  beforeAll(async () => {
    const upstream = await startUpstream();
    const postgres = await startTemporaryPostgres();
    await migrate(postgres.ownerUrl, postgres.url);
    road = await openRoad(postgres.url);
    const app = await startAppOn({ url: road.url }, { UPSTREAM_URL: upstream.url, JOBS_IN_PROCESS: 'false' });
    await seedPrices(app);
    ledger = app.app.get(LedgerService);
    const stop = async () => {
      road.open();
      await app.stop();
      await road.stop();
      await postgres.stop();
      await upstream.stop();
    };
    world = { ...app, upstream, stop };
  });
  afterAll(() => world?.stop());
  afterEach(async () => expect(await brokenInvariants(ask)).toEqual([]));

  const ask = (sql: string, parameters?: unknown[]) => world.app.get(DatabaseService).query<any>(sql, parameters);
  const topUp = (customerId: string, topUpId = newId()) =>
    topUpReceived({ topUpId, customerId, gross: usd(CREDIT), fee: usd(1n), paymentIntentId: topUpId });
  const entriesOf = async (customerId: string): Promise<number> =>
    (await ask('SELECT count(*)::integer AS count FROM journal_entries WHERE customer_id = $1', [customerId]))[0].count;

  it('loses the answer after the commit: the writer asks again with the same keys, and the effect is there once', async () => {
    const { customerId } = await customerWith(world, CREDIT);
    const hold = { id: newId(), account: customerCredits(customerId, 'USD'), amount: usd(5n) };
    await ledger.post(topUp(customerId));
    const before = road.lost;
    road.loseAnswerTo(/ledger_(apply|flush)/);
    const [held, ...posted] = await Promise.all([
      ledger.hold(hold, new Date(Date.now() + 60_000)),
      ...Array.from({ length: 10 }, () => ledger.post(topUp(customerId))),
    ]);
    expect(road.lost).toBe(before + 1);
    // Whoever was on the books by then is told so, as the second of two repeats would be; the rest came after them.
    const verdicts = [held, ...posted].map(({ verdict }) => verdict);
    expect(verdicts).toContain('replayed');
    expect(verdicts.filter((verdict) => !['replayed', 'posted', 'held'].includes(verdict))).toEqual([]);
    expect(await entriesOf(customerId)).toBe(12);
    expect(await ask('SELECT state FROM holds WHERE id = $1', [hold.id])).toEqual([{ state: 'open' }]);
  });

  it('swallows everything: callers are told so within seconds, and all is well without a restart', async () => {
    const { customerId, key } = await customerWith(world, CREDIT);
    const entries = Array.from({ length: 40 }, () => topUp(customerId));
    await ledger.post(topUp(customerId));
    road.swallow();
    const began = Date.now();
    const [call, ...refused] = await Promise.all([
      chat(world.url, key),
      ...entries.map((entry) => ledger.post(entry).catch((error: unknown) => error)),
    ]);
    expect(Date.now() - began).toBeLessThan(25_000);
    for (const error of refused) {
      expect(error).toMatchObject({ code: 'ledger_unavailable', status: 503, headers: { 'retry-after': '2' } });
    }
    expect(call.status).toBe(503);
    expect(call.headers.get('retry-after')).toBe('2');
    expect(call.headers.get('content-type')).toContain('application/problem+json');
    expect((await json(call)).code).toBe('database_unavailable');
    road.open();
    const verdicts = await Promise.all(entries.map((entry) => ledger.post(entry)));
    expect(new Set(verdicts.map(({ verdict }) => verdict))).toEqual(new Set(['posted']));
    expect((await chat(world.url, key)).status).toBe(200);
    expect(await entriesOf(customerId)).toBe(43);
  });
});
