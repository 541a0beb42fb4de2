import { conclude } from '../support/card-world';
import { type ReloadWorld, startReloadWorld } from '../support/reload-world';

/** TC-47: a default card that was refused, beside another one. Whatever Stripe tells of the customer, it stays refused. */
describe('auto-reload whose default card is refused', () => {
  let world: ReloadWorld;

  beforeAll(async () => {
    world = await startReloadWorld();
  });
  afterAll(() => world?.stop());

  const become = (card: string, number: string) => world.press(`payment_methods/${card}/become`, { card: number });
  /** The default of a customer became useless, and its reload stopped. */
  const refused = async (number: string) => {
    const saver = await world.saver();
    expect((await world.ask(saver.key, `/v1/cards/${saver.card}/default`, {})).body).toMatchObject({ isDefault: true });
    await become(saver.card, number);
    await world.put(saver.key, { thresholdCents: 1000, amountCents: 1000 });
    await world.settled();
    return saver;
  };
  const attach = async (card: string, stripeId: string) => {
    const saved = await world.stripe.paymentMethods.attach(card, { customer: stripeId });
    await world.settled();
    return saved.id;
  };
  const cardsCharged = async (stripeId: string) => {
    const { data } = await world.stripe.charges.list({ customer: stripeId, limit: 100 });
    return data.map(({ payment_method: card }) => card).toReversed();
  };

  it('charges the new card, and again that one next time', async () => {
    const { customer, key, card, stripeId } = await refused('4000000000009979');
    expect(await world.rule(key)).toMatchObject({ state: 'suspended', reason: 'stolen_card' });
    const other = await attach('pm_card_mastercard', stripeId);
    expect(await world.attempts(key)).toMatchObject([{ state: 'succeeded' }, { state: 'failed' }]);
    await world.spend(customer, 1000);
    await world.wake();
    expect(await world.attempts(key)).toMatchObject([{ state: 'succeeded' }, { state: 'succeeded' }, {}]);
    expect(await cardsCharged(stripeId)).toEqual([card, other, other]);
    await conclude(world);
  });

  it('charges neither of two refused cards, whatever else of the customer changes', async () => {
    const { key, card, stripeId } = await refused('4000000000009979');
    await world.press('webhooks', { paused: true });
    const { id: second } = await world.stripe.paymentMethods.attach('pm_card_mastercard', { customer: stripeId });
    await become(second, '4000000000009987');
    await world.press('webhooks', { paused: false });
    await world.settled();
    expect(await world.rule(key)).toMatchObject({ state: 'suspended', reason: 'lost_card', failures: 2 });
    for (const phone of ['1', '2']) await world.stripe.customers.update(stripeId, { phone });
    await world.stripe.paymentMethods.update(card, { metadata: { seen: 'yes' } });
    await world.settled();
    expect(await cardsCharged(stripeId)).toEqual([card, second]);
    await conclude(world);
  });

  it('sends nobody to a second page', async () => {
    const { key, stripeId } = await refused('4000002760003184');
    expect(await world.rule(key)).toMatchObject({ state: 'needs_authentication' });
    await attach('pm_card_mastercard', stripeId);
    expect(await world.attempts(key)).toMatchObject([
      { state: 'succeeded' },
      { state: 'failed', reason: 'link_expired' },
    ]);
    expect(await world.told(key)).toEqual(['reload_needs_authentication', 'reload_succeeded']);
    await conclude(world);
  });
});
