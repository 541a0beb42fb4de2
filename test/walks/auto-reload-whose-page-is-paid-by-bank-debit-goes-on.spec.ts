import { idOf } from '../../src/topups/stripe-event';
import { StripeSources } from '../../src/topups/stripe-sources.service';
import { conclude } from '../support/card-world';
import { type ReloadWorld, type Saver, startReloadWorld } from '../support/reload-world';

/** Money that a bank moves for days may fail, be cancelled, or arrive untold: no attempt stays open because of that. */
describe('auto-reload that waits for a bank', () => {
  let world: ReloadWorld;

  beforeAll(async () => {
    world = await startReloadWorld();
  });
  afterAll(() => world?.stop());

  const terms = { thresholdCents: 1000, amountCents: 1000 };
  /** The holder of a card chose a bank debit on the page that it was sent to. */
  const awaiting = async (): Promise<Saver & { session: string }> => {
    const saver = await world.saver();
    await world.press(`payment_methods/${saver.card}/become`, { card: '4000002760003184' });
    await world.put(saver.key, terms);
    await world.settled();
    const [attempt] = await world.attempts(saver.key);
    const session = attempt?.url.split('/').pop();
    await world.press(`checkout/${session}/pay_later`);
    await world.settled();
    expect(await world.attempts(saver.key)).toMatchObject([{ state: 'needs_authentication' }]);
    return { ...saver, session };
  };

  it('is suspended when the bank refuses, and goes on when the customer says so', async () => {
    const { key, card, session } = await awaiting();
    await world.press(`checkout/${session}/settle_async`, { outcome: 'failed' });
    await world.settled();
    expect(await world.attempts(key)).toMatchObject([{ state: 'failed', reason: 'page_payment_failed', url: null }]);
    expect(await world.rule(key)).toMatchObject({ state: 'suspended', reason: 'page_payment_failed' });
    await world.press(`payment_methods/${card}/become`, { card: '4242424242424242' });
    await world.ask(key, '/v1/auto-reload/resume', {});
    await world.settled();
    expect(await world.available(key)).toBe('10');
    await conclude(world);
  });

  it('waits with another card until the bank has refused, then charges that', async () => {
    const { key, stripeId, session } = await awaiting();
    await world.stripe.paymentMethods.attach('pm_card_mastercard', { customer: stripeId });
    await world.settled();
    expect(await world.attempts(key)).toMatchObject([{ state: 'needs_authentication' }]);
    await world.press(`checkout/${session}/settle_async`, { outcome: 'failed' });
    await world.settled();
    expect(await world.attempts(key)).toMatchObject([{ state: 'succeeded' }, { state: 'failed' }]);
    expect(await world.available(key)).toBe('10');
    await conclude(world);
  });

  it('has succeeded when its payment is found by the charge alone', async () => {
    const { key, session } = await awaiting();
    await world.press('webhooks', { drop: ['*'] });
    await world.press(`checkout/${session}/settle_async`, { outcome: 'succeeded' });
    const { data } = await world.stripe.balanceTransactions.list({ limit: 1 });
    const effect = await world.app.app.get(StripeSources, { strict: false }).converge(idOf(data[0]?.source) ?? '');
    if (!effect) throw new Error('nothing to be written');
    expect(await world.database.transaction(effect)).toBe('credited');
    expect(await world.attempts(key)).toMatchObject([{ state: 'succeeded' }]);
    expect(await world.rule(key)).toMatchObject({ state: 'active', reason: null });
    await world.press('webhooks', { drop: [] });
    await conclude(world);
  });

  it('fails when its payment is cancelled while the bank was at it, and another is made in time', async () => {
    const saver = await world.saver();
    await world.press(`payment_methods/${saver.card}/become`, { card: '4000000000009995' });
    await world.put(saver.key, terms);
    await world.settled();
    const [attempt] = await world.attempts(saver.key);
    await world.database.query(
      `UPDATE auto_reload_attempts SET state = 'processing', finished_at = NULL WHERE id = $1`,
      [attempt?.id],
    );
    const { data } = await world.stripe.paymentIntents.list({ customer: saver.stripeId, limit: 1 });
    await world.stripe.paymentIntents.cancel(data[0]?.id ?? '');
    await world.settled();
    expect(await world.attempts(saver.key)).toMatchObject([{ state: 'failed' }]);
    expect(await world.rule(saver.key)).toMatchObject({ state: 'active', failures: 2 });
    await conclude(world);
  });
});
