import { conclude } from '../support/card-world';
import { type ReloadWorld, startReloadWorld } from '../support/reload-world';

/** TC-47: a declined card that is charged again and again. */
describe('auto-reload with a card that declines', () => {
  let world: ReloadWorld;

  beforeAll(async () => {
    world = await startReloadWorld();
  });
  afterAll(() => world?.stop());

  const terms = { thresholdCents: 1000, amountCents: 1000 };
  const become = (card: string, number: string) => world.press(`payment_methods/${card}/become`, { card: number });
  const restIsOver = () => world.database.query('UPDATE auto_reload_rules SET next_try_at = now()');

  it('for good is suspended, until there is another card', async () => {
    const saver = await world.saver();
    const { key, card, stripeId } = saver;
    await become(card, '4000000000009987');
    await world.put(key, terms);
    await world.settled();
    expect(await world.attempts(key)).toMatchObject([{ state: 'failed', reason: 'lost_card', url: null }]);
    expect(await world.rule(key)).toMatchObject({ state: 'suspended', reason: 'lost_card', failures: 1 });
    expect(await world.told(key)).toEqual(['reload_suspended']);
    await world.wake();
    expect(await world.attempts(key)).toHaveLength(1);
    expect((await world.ask(key, '/v1/topups')).body.data).toMatchObject([{ state: 'failed' }]);

    await world.stripe.paymentMethods.attach('pm_card_mastercard', { customer: stripeId });
    await world.settled();
    expect(await world.rule(key)).toMatchObject({ state: 'active', reason: null, failures: 0 });
    expect(await world.attempts(key)).toMatchObject([{ state: 'succeeded' }, { state: 'failed' }]);
    expect(await world.available(key)).toBe('10');
    await conclude(world);
  });

  it('for now is tried ever more seldom, and the fourth time in a row is the last', async () => {
    const { key, card } = await world.saver();
    await become(card, '4000000000009995');
    await world.put(key, terms);
    await world.settled();
    const hours = [1, 6, 24];
    for (let failures = 1; failures <= 3; failures++) {
      const rule = await world.rule(key);
      expect(rule).toMatchObject({ state: 'active', reason: 'insufficient_funds', failures });
      const [newest] = await world.attempts(key);
      const rest = new Date(rule.nextTryAt).getTime() - new Date(newest?.createdAt).getTime();
      expect(Math.round(rest / 3_600_000)).toBe(hours[failures - 1]);
      // Nothing happens before its time.
      await world.wake();
      expect(await world.attempts(key)).toHaveLength(failures);
      await restIsOver();
      await world.wake();
    }
    expect(await world.rule(key)).toMatchObject({ state: 'suspended', failures: 4, nextTryAt: null });
    expect(await world.told(key)).toEqual(['reload_failed', 'reload_failed', 'reload_failed', 'reload_suspended']);
    const operator = await world.ask(world.app.adminToken, '/v1/notifications');
    expect(operator.body.data).toMatchObject([{ kind: 'reload_circuit_open', data: { failures: 4 } }]);
    await world.wake();
    expect(await world.attempts(key)).toHaveLength(4);

    // The customer knows that there is money again.
    await become(card, '4242424242424242');
    expect((await world.ask(key, '/v1/auto-reload/resume', {})).body).toMatchObject({ state: 'active', failures: 0 });
    await world.settled();
    expect(await world.available(key)).toBe('10');
    await conclude(world);
  });

  it('and is renewed by its bank goes on with it', async () => {
    const { key, card } = await world.saver();
    await become(card, '4000000000000069');
    await world.put(key, terms);
    await world.settled();
    expect(await world.rule(key)).toMatchObject({ state: 'suspended', reason: 'expired_card' });
    await become(card, '4242424242424242');
    await world.press(`payment_methods/${card}/automatically_update`, { exp_month: 12, exp_year: 2040 });
    await world.settled();
    expect(await world.available(key)).toBe('10');
    await conclude(world);
  });

  it('that is missing says so, until there is one', async () => {
    const { customer, key } = await world.customer();
    await world.put(key, terms);
    await world.settled();
    expect(await world.attempts(key)).toMatchObject([{ state: 'failed', reason: 'no_card' }]);
    expect(await world.rule(key)).toMatchObject({ state: 'suspended', reason: 'no_card' });
    const { url } = (await world.ask(key, '/v1/cards/setup', {})).body;
    await world.press(`checkout/${url.split('/').pop()}/pay`);
    await world.settled();
    expect(await world.available(key)).toBe('10');
    expect(customer.id).toMatch(/^cus_/);
    await conclude(world);
  });
});
