import fc from 'fast-check';
import { brokenGrants } from '../support/grants-world';
import type { History } from '../support/history';
import { histories } from '../support/history-arbitrary';
import { HistoryWorld } from '../support/history-telling';
import { brokenInvariants } from '../support/invariants';

/** `CARD_LIFE_RUNS=1000` for a long night; then `CARD_LIFE_SEED` is another one each time, unless it is given. */
const LONG = process.env['CARD_LIFE_RUNS'];
const RUNS = Number(LONG ?? 3);
const SEED = Number(process.env['CARD_LIFE_SEED'] ?? (LONG === undefined ? 1 : Date.now() % 1_000_000_000));
/** Every step of a shrinking lives two more histories. */
const SHRINKS = process.env['CARD_LIFE_SHRINK'] !== 'false';

jest.setTimeout(120_000 + RUNS * 30_000);

describe.each([
  ['with auto-reload', { tax: false }],
  ['with tax', { tax: true }],
])('the life of prepaid money %s', (name, { tax }) => {
  let world: HistoryWorld;
  let lived = 0;

  beforeAll(async () => {
    world = await HistoryWorld.start({ tax });
  });
  afterAll(() => world?.stop());

  const live = async (history: History) => {
    const inOrder = await world.inOrder(history);
    const troubled = await world.troubled(history);
    expect(troubled).toEqual(inOrder);
    expect(troubled.unexplained).toEqual([]);
    for (const { house, atStripe, disputed } of [inOrder, troubled]) {
      expect(-(house['stripe:clearing'] ?? 0n)).toBe(atStripe);
      expect(-(house['stripe:disputed'] ?? 0n)).toBe(disputed);
      // At this Stripe what goes back is off the balance at once.
      expect(house['stripe:refunding'] ?? 0n).toBe(0n);
    }
    const { database, app } = world.world;
    expect(await brokenInvariants((sql, parameters) => database.query(sql, parameters))).toEqual([]);
    expect(await brokenGrants(app)).toEqual([]);
    if (++lived % 25 === 0) process.stderr.write(`card-life ${name}: ${lived} histories\n`);
  };

  it('ends in the same books, however often, late and in whatever order it is told of', async () => {
    process.stderr.write(`card-life ${name}: ${RUNS} histories, CARD_LIFE_SEED=${SEED}\n`);
    await fc.assert(fc.asyncProperty(histories({ reloads: !tax }), live), {
      numRuns: RUNS,
      seed: SEED,
      endOnFailure: !SHRINKS,
    });
  });
});
