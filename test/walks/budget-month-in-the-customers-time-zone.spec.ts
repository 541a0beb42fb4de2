import { BudgetCounters } from '../../src/budgets/budget-counters.service';
import { BudgetsService } from '../../src/budgets/budgets.service';
import { json } from '../support/calls';
import { customerWith, startWorld, type World } from '../support/world';

const HOUR = 3_600_000;

/** TC-41: a month is the calendar's, where the customer lives, and not thirty days from some moment. */
describe('a budget in the customer’s time zone', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world?.stop());

  const put = (token: string, path: string, body: unknown) =>
    fetch(`${world.url}${path}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const moveTo = (customerId: string, timeZone: string) =>
    put(world.adminToken, `/admin/customers/${customerId}/time-zone`, { timeZone });
  /** The period of a budget in which an instant is. */
  async function periodAt(customerId: string, keyId: string, instant: string) {
    const spending = await world.app.get(BudgetsService, { strict: false }).of(customerId);
    const counters = world.app.get(BudgetCounters, { strict: false });
    const [weight] = await counters.weightsOf(customerId, keyId, spending, new Date(instant));
    const { from, to } = weight?.period ?? { from: new Date(0), to: new Date(0) };
    return { from: from.toISOString(), hours: (to.getTime() - from.getTime()) / HOUR, counter: weight?.counterId };
  }

  it('begins at that zone’s midnight, on the first of that zone’s month', async () => {
    const { customerId, key, keyId } = await customerWith(world, 0n);
    expect((await moveTo(customerId, 'Asia/Tokyo')).status).toBe(200);
    const budget = await json(await put(key, '/v1/budgets', { period: 'month', limit: '10' }));
    expect([budget.from, budget.resetsAt]).toEqual([
      expect.stringMatching(/T15:00:00\.000Z$/),
      expect.stringMatching(/T15:00:00\.000Z$/),
    ]);
    const before = await periodAt(customerId, keyId, '2026-02-28T14:59:59.999Z');
    const after = await periodAt(customerId, keyId, '2026-02-28T15:00:00.000Z');
    expect(before).toMatchObject({ from: '2026-01-31T15:00:00.000Z', hours: 28 * 24 });
    expect(after).toMatchObject({ from: '2026-02-28T15:00:00.000Z', hours: 31 * 24 });
    expect(after.counter).not.toBe(before.counter);
  });

  it.each([
    ['Europe/Berlin', '2026-03-29T12:00:00Z', '2026-03-28T23:00:00.000Z', 23],
    ['Europe/Berlin', '2026-10-25T12:00:00Z', '2026-10-24T22:00:00.000Z', 25],
    // Chile has no midnight on that day: clocks go from 23:59:59 to 01:00.
    ['America/Santiago', '2026-09-06T12:00:00Z', '2026-09-06T04:00:00.000Z', 23],
    ['America/Santiago', '2026-04-04T12:00:00Z', '2026-04-04T03:00:00.000Z', 25],
  ])('lasts as long as the day does in %s at %s', async (zone, instant, from, hours) => {
    const { customerId, key, keyId } = await customerWith(world, 0n);
    await put(key, '/v1/budgets', { period: 'day', limit: '10' });
    await moveTo(customerId, zone);
    expect(await periodAt(customerId, keyId, instant)).toMatchObject({ from, hours });
  });

  it('refuses what is no zone, and tells keys of other customers nothing', async () => {
    const [{ customerId, keyId }, other] = [await customerWith(world, 0n), await customerWith(world, 0n)];
    const unknown = await moveTo(customerId, 'Berlin');
    expect([unknown.status, (await json(unknown)).code]).toEqual([400, 'unknown_time_zone']);
    const theirs = await put(other.key, '/v1/budgets', { keyId, period: 'day', limit: '1' });
    expect([theirs.status, (await json(theirs)).code]).toEqual([404, 'key_not_found']);
    const named = await put(other.key, '/v1/budgets', { customerId, period: 'day', limit: '1' });
    expect((await json(named)).code).toBe('forbidden');
  });
});
