import { OffSessionClient } from '../../src/topups/reload/off-session.client';
import { conclude } from '../support/card-world';
import { eventually } from '../support/program';
import { type ReloadWorld, type Saver, startReloadWorld } from '../support/reload-world';

/** A charge was decided, and before it was made its reason went away. */
describe('auto-reload that is no longer wanted', () => {
  let world: ReloadWorld;

  beforeAll(async () => {
    world = await startReloadWorld();
  });
  afterAll(() => world?.stop());

  const terms = { thresholdCents: 1000, amountCents: 1000 };

  /** A charge that Stripe was asked for and did not answer is switched off, and then there is a Stripe again. */
  const switchedOffInDoubt = async (saver: Saver, kind: string) => {
    const { key } = saver;
    await world.press('webhooks', { paused: true });
    await world.press('faults', { kind, method: 'POST', path: '/v1/payment_intents', times: 1000 });
    await world.put(key, terms);
    await eventually('Doubt', async () => ((await world.attempts(key))[0]?.state === 'in_doubt' ? true : undefined));
    await world.put(key, { ...terms, enabled: false });
    return () => world.press('faults/clear');
  };
  const makeDue = () =>
    world.database.query(
      `WITH due AS (
         UPDATE jobs SET run_at = now() WHERE state = 'waiting' AND name = 'auto-reload' RETURNING id)
       SELECT pg_notify('tollbridge_jobs', '') FROM due`,
    );
  /** The attempt's job has looked for it once more, and waits again. */
  const looked = async (attemptId: string) => {
    const triesOf = async () => {
      const sql = `SELECT attempts FROM jobs WHERE id = $1 AND state = 'waiting'`;
      return (await world.database.query<{ attempts: number }>(sql, [`auto-reload:${attemptId}`]))[0]?.attempts;
    };
    const before = await eventually('A job that waits', triesOf);
    await makeDue();
    await eventually('A look', async () => (((await triesOf()) ?? 0) > before ? true : undefined));
  };
  const ended = (key: string) =>
    eventually('The end', async () => {
      await makeDue();
      const attempts = await world.attempts(key);
      return ['succeeded', 'failed'].includes(attempts[0]?.state) ? attempts : undefined;
    });

  it('charges nothing once it is switched off, and charges when it is on again', async () => {
    const saver = await world.saver();
    const { key } = saver;
    // The cards of the customer cannot be asked for: the attempt stays planned.
    await world.press('faults', { kind: '500_no_retry', method: 'GET', path: '/v1/customers', times: 1000 });
    await world.put(key, terms);
    await eventually('A first try', async () => {
      const sql = `SELECT 1 FROM jobs WHERE name = 'auto-reload' AND state = 'waiting' AND last_error IS NOT NULL`;
      return (await world.database.query(sql)).length > 0 ? true : undefined;
    });
    expect(await world.attempts(key)).toMatchObject([{ state: 'planned' }]);
    await world.put(key, { ...terms, enabled: false });
    await world.press('faults/clear');
    await world.database.query(`UPDATE jobs SET run_at = now() WHERE state = 'waiting' AND name = 'auto-reload'`);
    await world.settled();
    expect(await world.attempts(key)).toMatchObject([{ state: 'failed', reason: 'not_wanted' }]);
    expect(await world.rule(key)).toMatchObject({ state: 'active', reason: null, failures: 0 });
    expect(await world.charges(saver)).toEqual([]);

    await world.put(key, terms);
    await world.settled();
    expect(await world.attempts(key)).toMatchObject([{ state: 'succeeded' }, { state: 'failed' }]);
    expect(await world.available(key)).toBe('10');
    await conclude(world);
  });

  it('and was asked of Stripe already is only looked for once it is switched off, and counts if it was charged', async () => {
    const saver = await world.saver();
    const { key } = saver;
    const answers = await switchedOffInDoubt(saver, 'reset_after');
    const page = (await world.ask(key, '/v1/billing-links', {})).body.url;
    const text = await (await fetch(`${world.app.url}${new URL(page).pathname}`)).text();
    expect([text.includes('A charge is still open'), text.includes('Nothing is charged')]).toEqual([true, false]);
    await answers();
    expect(await ended(key)).toMatchObject([{ state: 'succeeded', reason: null }]);
    expect(await world.charges(saver)).toHaveLength(1);
    expect(await world.rule(key)).toMatchObject({ state: 'active', failures: 0 });
    await world.press('webhooks', { paused: false });
    await world.settled();
    await conclude(world);
  });

  it('and never reached Stripe is over when nothing can arrive any more, a day later, and not before', async () => {
    const saver = await world.saver();
    const { key } = saver;
    await (
      await switchedOffInDoubt(saver, 'reset_before')
    )();
    const [{ id }] = await world.attempts(key);
    for (const hours of [0, 0, 23]) {
      const since = `UPDATE auto_reload_attempts SET created_at = now() - make_interval(hours => $2) WHERE id = $1`;
      await world.database.query(since, [id, hours]);
      await looked(id);
      expect(await world.attempts(key)).toMatchObject([{ id, state: 'in_doubt', reason: 'not_wanted' }]);
    }
    await world.database.query(`UPDATE auto_reload_attempts SET created_at = now() - interval '25 hours'`);
    expect(await ended(key)).toMatchObject([{ id, state: 'failed', reason: 'not_wanted' }]);
    expect(await world.charges(saver)).toEqual([]);
    expect(await world.rule(key)).toMatchObject({ state: 'active', failures: 0 });
    await world.press('webhooks', { paused: false });
    await world.settled();
    await conclude(world);
  });

  it.each(['before', 'after'])(
    'and reaches Stripe late, %s it is switched on again, is charged once: it is the same attempt',
    async (when) => {
      const saver = await world.saver();
      const { key, customer, stripeId, card } = saver;
      await (
        await switchedOffInDoubt(saver, 'reset_before')
      )();
      const [{ id, topUpId }] = await world.attempts(key);
      for (let looks = 0; looks < 3; looks++) await looked(id);
      const asked = { attemptId: id, topUpId, customerId: customer.id, stripeCustomerId: stripeId };
      // What left us before it was switched off, and was on its way all the time.
      const arrives = () =>
        world.app.app
          .get(OffSessionClient, { strict: false })
          .charge({ ...asked, paymentMethodId: card, cents: terms.amountCents });
      if (when === 'before') await arrives();
      // Nobody makes the job due: switching on does.
      await world.database.query(
        `UPDATE jobs SET run_at = now() + interval '1 hour' WHERE state = 'waiting' AND name = 'auto-reload'`,
      );
      await world.put(key, terms);
      await world.settled();
      if (when === 'after') await arrives();
      expect(await world.charges(saver)).toEqual([{ amount: 1000, status: 'succeeded' }]);
      await world.press('webhooks', { paused: false });
      await world.settled();
      expect(await world.attempts(key)).toMatchObject([{ id, state: 'succeeded' }]);
      expect(await world.available(key)).toBe('10');
      await conclude(world);
    },
  );
});
