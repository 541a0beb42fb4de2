import { conclude } from '../support/card-world';
import { type ReloadWorld, type Saver, startReloadWorld } from '../support/reload-world';

/** A bank that wants to see the holder of the card: a page to pay on, and no silent retry. */
describe('auto-reload with a card that needs authentication', () => {
  let world: ReloadWorld;

  beforeAll(async () => {
    world = await startReloadWorld();
  });
  afterAll(() => world?.stop());

  const asked = async (): Promise<Saver & { url: string }> => {
    const saver = await world.saver();
    await world.press(`payment_methods/${saver.card}/become`, { card: '4000002760003184' });
    await world.put(saver.key, { thresholdCents: 1000, amountCents: 1000 });
    await world.settled();
    const [attempt] = await world.attempts(saver.key);
    expect(attempt).toMatchObject({ state: 'needs_authentication', reason: 'authentication_required' });
    return { ...saver, url: attempt?.url };
  };
  const sessionOf = (url: string) => url.split('/').pop() ?? '';

  it('is sent to a page, told, and not charged again meanwhile', async () => {
    const saver = await asked();
    const { key, url } = saver;
    expect(await world.rule(key)).toMatchObject({ state: 'needs_authentication', reason: 'authentication_required' });
    const { data } = (await world.ask(key, '/v1/notifications')).body;
    expect(data).toMatchObject([{ kind: 'reload_needs_authentication', url, data: { amount: '10' } }]);
    await world.wake();
    await world.wake();
    expect(await world.attempts(key)).toHaveLength(1);
    // What could be paid twice cannot: the charge is cancelled, the page is all there is.
    expect(await world.charges(saver)).toEqual([{ amount: 1000, status: 'canceled' }]);

    await world.press(`checkout/${sessionOf(url)}/pay`, { card: '4242424242424242' });
    await world.settled();
    expect(await world.attempts(key)).toMatchObject([{ state: 'succeeded', url: null }]);
    expect(await world.rule(key)).toMatchObject({ state: 'active', reason: null });
    expect(await world.available(key)).toBe('10');
    await conclude(world);
  });

  it('whose page nobody pays on is suspended when the page has expired', async () => {
    const { key, url } = await asked();
    await world.press(`checkout/${sessionOf(url)}/expire`);
    await world.settled();
    expect(await world.attempts(key)).toMatchObject([{ state: 'failed', reason: 'link_expired', url: null }]);
    expect(await world.rule(key)).toMatchObject({ state: 'suspended', reason: 'link_expired' });
    await conclude(world);
  });

  it('and is replaced by another card: the page is closed, and that card is charged', async () => {
    const saver = await asked();
    await world.stripe.paymentMethods.attach('pm_card_mastercard', { customer: saver.stripeId });
    await world.settled();
    expect(await world.attempts(saver.key)).toMatchObject([
      { state: 'succeeded' },
      { state: 'failed', reason: 'link_expired' },
    ]);
    expect(await world.available(saver.key)).toBe('10');
    expect(await world.rule(saver.key)).toMatchObject({ state: 'active' });
    await conclude(world);
  });
});
