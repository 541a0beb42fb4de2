import { prefixedId } from '../../src/common/id';
import { usd } from '../../src/common/money';
import type { LedgerHold } from '../../src/ledger/ledger.service';
import { startTestApp, type TestApp } from '../support/app';
import { booksOf, expectSoundBooks, query } from '../support/calls';
import { GrantsWorld } from '../support/grants-world';

let app: TestApp;
let world: GrantsWorld;

beforeAll(async () => {
  app = await startTestApp({ JOBS_IN_PROCESS: 'false' });
  world = new GrantsWorld(app);
});
afterAll(() => app?.stop());

const ORDERS = ['the grant arrives first', 'a hold books the expiry first', 'both at once'];

/** TC-42: what is given at the instant at which something else ends is neither lost nor given twice. */
describe.each([
  // Of ten, three were used; two are used by the call in flight, of what ends, for that is used first; five end.
  { given: 'paid' as const, posted: 20n, ended: 5n },
  // What was given is used before what was paid, by the call in flight as well: seven end.
  { given: 'promo' as const, posted: 18n, ended: 7n },
])('$given credit that arrives when paid credit ends', ({ given, posted, ended }) => {
  test.each(ORDERS)('%s: the same books', async (order) => {
    const customerId = prefixedId('cus');
    const old = await world.give(customerId, 10n, { expiresAt: new Date(Date.now() + 600_000) });
    await world.use(customerId, 3n);
    const inFlight = (await world.hold(customerId, 2n)) as LedgerHold;
    await world.end(old);

    const arrive = () => world.give(customerId, 20n, { class: given });
    const look = () => world.hold(customerId, 1n);
    if (order === 'the grant arrives first') await arrive().then(look);
    else if (order === 'both at once') await Promise.all([arrive(), look()]);
    else await look().then(arrive);
    await world.end(old);
    await look();
    await world.capture(inFlight);
    await world.end(old);
    await look();

    expect((await booksOf(app, customerId)).posted).toEqual(usd(posted));
    const [booked] = await query(
      app,
      `SELECT sum(atoms)::bigint AS atoms FROM grant_movements WHERE grant_id = $1 AND kind = 'expired'`,
      [old],
    );
    expect(booked.atoms).toBe(ended);
    await expectSoundBooks(app);
  });
});

test('two grants that end at one instant end together, each once', async () => {
  const customerId = prefixedId('cus');
  const expiresAt = new Date(Date.now() - 1);
  await world.give(customerId, 10n, { expiresAt });
  await world.give(customerId, 5n, { expiresAt, class: 'promo' });
  const holds = await Promise.all([1, 2, 3].map(() => world.hold(customerId, 1n)));
  expect(holds).toEqual([undefined, undefined, undefined]);
  expect((await booksOf(app, customerId)).posted).toEqual(usd(0n));
  await expectSoundBooks(app);
});
