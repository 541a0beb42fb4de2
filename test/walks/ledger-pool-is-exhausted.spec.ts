import { newId } from '../../src/common/id';
import { usd } from '../../src/common/money';
import { DatabaseService } from '../../src/database/database.service';
import { customerCredits } from '../../src/ledger/ledger-account';
import { LedgerService } from '../../src/ledger/ledger.service';
import { json } from '../support/calls';
import { brokenInvariants } from '../support/invariants';
import { chat, customerWith, startWorld, type World } from '../support/world';

const CREDIT = 1_000_000_000n;
const POOL = 8;

/** Exports, jobs or a slow console take every connection there is: what is in flight is still paid. */
describe('a pool whose connections are all taken', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld({ JOBS_IN_PROCESS: 'false', DATABASE_POOL_SIZE: `${POOL}` });
  });
  afterAll(() => world?.stop());

  it('does not keep the ledger from writing; calls that need another one are refused with 503, not 402', async () => {
    const database = world.app.get(DatabaseService);
    const ledger = world.app.get(LedgerService);
    const { customerId, key } = await customerWith(world, CREDIT);
    const hold = () => ({ id: newId(), account: customerCredits(customerId, 'USD'), amount: usd(1n) });
    const later = new Date(Date.now() + 60_000);
    await ledger.hold(hold(), later);
    // The application listens for new prices on one of them.
    const free = [];
    while (free.length < POOL - 1) free.push(await database.connect());

    const call = chat(world.url, key);
    const verdicts = await Promise.all(Array.from({ length: 100 }, () => ledger.hold(hold(), later)));
    expect(new Set(verdicts.map(({ verdict }) => verdict))).toEqual(new Set(['held']));
    const refused = await call;
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('2');
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect((await json(refused)).code).toBe('database_unavailable');

    for (const client of free) client.release();
    expect((await chat(world.url, key)).status).toBe(200);
    expect(await brokenInvariants((sql, parameters) => database.query<any>(sql, parameters))).toEqual([]);
  });
});
