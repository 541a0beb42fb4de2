import { periodOf } from '../../src/budgets/budget-period';
import { BudgetsService } from '../../src/budgets/budgets.service';
import { conclude, type Json } from '../support/card-world';
import { type ReloadWorld, startReloadWorld } from '../support/reload-world';

/** Its midnight is at 10:00 UTC, the whole year. */
const ZONE = 'Pacific/Kiritimati';

describe("auto-reload under a cap, in the customer's own calendar", () => {
  let world: ReloadWorld;

  beforeAll(async () => {
    world = await startReloadWorld();
  });
  afterAll(() => world?.stop());

  /** As if the newest attempt had been made at that instant. */
  const madeAt = async (customerId: string, instant: Date) => {
    await world.database.query('UPDATE auto_reload_attempts SET created_at = $2 WHERE customer_id = $1', [
      customerId,
      instant,
    ]);
    await world.database.query('UPDATE auto_reload_rules SET next_try_at = NULL WHERE customer_id = $1', [customerId]);
  };
  const toldOf = async (key: string): Promise<Json[]> =>
    (await world.ask(key, '/v1/notifications')).body.data.filter(({ kind }: Json) => kind === 'reload_cap_reached');

  it.each(['day', 'month'] as const)('counts a %s from midnight there', async (period) => {
    const { customer, key } = await world.saver();
    await world.app.app.get(BudgetsService, { strict: false }).setTimeZone(customer.id, ZONE);
    const caps = { day: { dayCapCents: 1000 }, month: { monthCapCents: 1000 } };
    await world.put(key, { thresholdCents: 1000, amountCents: 1000, ...caps[period] });
    await world.settled();
    const { from, to } = periodOf(new Date(), period, ZONE);

    // The first instant of the window is in it: nothing more is charged until the next one begins.
    await madeAt(customer.id, from);
    await world.spend(customer, 500);
    await world.settled();
    expect(await world.attempts(key)).toHaveLength(1);
    expect(await world.rule(key)).toMatchObject({ reason: 'cap_reached', nextTryAt: to.toISOString() });
    expect(await toldOf(key)).toMatchObject([{ data: { period, resetsAt: to.toISOString() } }]);

    // The instant before is not.
    await madeAt(customer.id, new Date(from.getTime() - 1));
    await world.wake();
    expect(await world.attempts(key)).toHaveLength(2);
    expect(await world.available(key)).toBe('15');
    await conclude(world);
  });
});
