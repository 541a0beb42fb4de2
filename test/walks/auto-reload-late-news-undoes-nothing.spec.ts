import { ReloadAttempts } from '../../src/topups/reload/reload-attempts.service';
import { ReloadOutcomes } from '../../src/topups/reload/reload-outcomes.service';
import { conclude } from '../support/card-world';
import { type ReloadWorld, type Saver, startReloadWorld } from '../support/reload-world';

describe('late news of an auto-reload', () => {
  let world: ReloadWorld;

  beforeAll(async () => {
    world = await startReloadWorld();
  });
  afterAll(() => world?.stop());

  const terms = { thresholdCents: 1000, amountCents: 1000 };
  const become = (card: string, number: string) => world.press(`payment_methods/${card}/become`, { card: number });
  /** Its card had not enough money: the payment intent can still be paid at Stripe. */
  const declined = async (): Promise<Saver & { attempt: string; intent: string }> => {
    const saver = await world.saver();
    await become(saver.card, '4000000000009995');
    await world.put(saver.key, terms);
    await world.settled();
    const [attempt] = await world.attempts(saver.key);
    expect(attempt).toMatchObject({ state: 'failed', reason: 'insufficient_funds' });
    return { ...saver, attempt: attempt?.id, intent: attempt?.paymentIntentId };
  };
  const payLate = async ({ card, intent }: { card: string; intent: string }) => {
    await become(card, '4242424242424242');
    await world.stripe.paymentIntents.confirm(intent, { payment_method: card });
    await world.settled();
  };

  it('brings the money, and leaves a rule alone that a later charge has suspended', async () => {
    const late = await declined();
    await become(late.card, '4000000000009987');
    await world.database.query('UPDATE auto_reload_rules SET next_try_at = NULL WHERE customer_id = $1', [
      late.customer.id,
    ]);
    await world.wake();
    const suspended = { state: 'suspended', reason: 'lost_card', failures: 2 };
    expect(await world.rule(late.key)).toMatchObject(suspended);

    await payLate(late);
    expect(await world.attempts(late.key)).toMatchObject([
      { state: 'failed' },
      { id: late.attempt, state: 'succeeded' },
    ]);
    expect(await world.available(late.key)).toBe('10');
    expect(await world.rule(late.key)).toMatchObject(suspended);
    await world.spend(late.customer, 500);
    await world.wake();
    expect(await world.attempts(late.key)).toHaveLength(2);
    await conclude(world);
  });

  it('ends the rest of a rule when nothing was charged since', async () => {
    const late = await declined();
    expect(await world.rule(late.key)).toMatchObject({ failures: 1, reason: 'insufficient_funds' });
    await payLate(late);
    expect(await world.attempts(late.key)).toMatchObject([{ state: 'succeeded' }]);
    expect(await world.rule(late.key)).toMatchObject({ state: 'active', reason: null, failures: 0, nextTryAt: null });
    await conclude(world);
  });

  it('of a cancellation is not lost when the answer that it was on its way is written after it', async () => {
    const { key, attempt: id, intent } = await declined();
    const charging = `UPDATE auto_reload_attempts SET state = 'charging', finished_at = NULL WHERE id = $1`;
    await world.database.query(charging, [id]);
    await world.stripe.paymentIntents.cancel(intent);
    await world.settled();
    expect(await world.attempts(key)).toMatchObject([{ state: 'charging' }]);

    const attempt = await world.app.app.get(ReloadAttempts, { strict: false }).find(id);
    if (!attempt) throw new Error('no attempt');
    const outcomes = world.app.app.get(ReloadOutcomes, { strict: false });
    const stale = { kind: 'processing', paymentIntentId: intent } as const;
    await world.database.transaction((tx) => outcomes.converge(tx, attempt, stale));
    expect(await world.attempts(key)).toMatchObject([{ state: 'processing' }]);

    await world.database.query(`UPDATE jobs SET run_at = now() WHERE id = $1`, [`auto-reload:${id}:look`]);
    await world.settled();
    expect(await world.attempts(key)).toMatchObject([{ state: 'failed' }]);
    await conclude(world);
  });
});
