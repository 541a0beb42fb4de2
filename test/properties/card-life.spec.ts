import fc from 'fast-check';
import { brokenGrants } from '../support/grants-world';
import { histories, type History } from '../support/history';
import { HistoryWorld } from '../support/history-telling';
import { brokenInvariants } from '../support/invariants';

const RUNS = Number(process.env['CARD_LIFE_RUNS'] ?? 8);
const SEED = Number(process.env['CARD_LIFE_SEED'] ?? Date.now() % 1_000_000_000);

jest.setTimeout(Math.max(60_000, RUNS * 30_000));

describe.each([
  ['with auto-reload', { tax: false }],
  ['with tax', { tax: true }],
])('the life of prepaid money %s', (_, { tax }) => {
  let world: HistoryWorld;

  beforeAll(async () => {
    world = await HistoryWorld.start({ tax });
  });
  afterAll(() => world?.stop());

  const live = async (history: History) => {
    const t0 = Date.now();
    const inOrder = await world.inOrder(history);
    const t1 = Date.now();
    const troubled = await world.troubled(history);
    if (process.env['CARD_LIFE_DEBUG']) process.stderr.write(`${t1 - t0} ${Date.now() - t1} ms ${inOrder.log.length}\n`);
    expect(troubled).toEqual(inOrder);
    expect(-(inOrder.house['stripe:clearing'] ?? 0n)).toBe(inOrder.atStripe);
    expect(-(troubled.house['stripe:clearing'] ?? 0n)).toBe(troubled.atStripe);
    const { database, app } = world.world;
    expect(await brokenInvariants((sql, parameters) => database.query(sql, parameters))).toEqual([]);
    expect(await brokenGrants(app)).toEqual([]);
  };

  it('ends in the same books, whatever is told of it and however', async () => {
    process.stderr.write(`card-life: ${RUNS} histories, CARD_LIFE_SEED=${SEED}\n`);
    await fc.assert(fc.asyncProperty(histories({ reloads: !tax }), live), { numRuns: RUNS, seed: SEED, endOnFailure: process.env['CARD_LIFE_SHRINK'] === 'false' });
  });
});
