import fc from 'fast-check';
import { expectAllMatched, reconcileChain } from '../support/chain-watch';
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

/** Whether all books are sound is asked once in so many histories, and at the end: it takes as long as they are many. */
const CHECK_EVERY = 20;

jest.setTimeout(120_000 + RUNS * 30_000);

describe.each([
  ['with auto-reload', { tax: false, usdc: false }],
  ['with tax and USDC', { tax: true, usdc: true }],
])('the life of prepaid money %s', (name, { tax, usdc }) => {
  let world: HistoryWorld;
  let lived = 0;

  beforeAll(async () => {
    world = await HistoryWorld.start({ tax, usdc });
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
    if (world.chain) {
      const { onChain, onBooks, pending } = await world.chain.balances();
      expect({ onBooks, pending }).toEqual({ onBooks: onChain, pending: 0n });
    }
    if (++lived % CHECK_EVERY === 0) await checkBooks();
    if (lived % 100 === 0) process.stderr.write(`card-life ${name}: ${lived} histories\n`);
  };

  /** Of all histories so far: what broke in one stays broken. */
  const checkBooks = async () => {
    const { database, app } = world.world;
    expect(await brokenInvariants((sql, parameters) => database.query(sql, parameters))).toEqual([]);
    expect(await brokenGrants(app)).toEqual([]);
    if (world.chain) expectAllMatched(await reconcileChain(world.world.app));
  };

  it('ends in the same books, however often, late and in whatever order it is told of', async () => {
    process.stderr.write(`card-life ${name}: ${RUNS} histories, CARD_LIFE_SEED=${SEED}\n`);
    await fc.assert(fc.asyncProperty(histories({ reloads: !tax, usdc }), live), {
      numRuns: RUNS,
      seed: SEED,
      endOnFailure: !SHRINKS,
    });
    await checkBooks();
  });
});
