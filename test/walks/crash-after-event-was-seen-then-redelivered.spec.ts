import { setTimeout } from 'node:timers/promises';
import { eventBody, sign, startMortalReplica } from '../support/card-world';
import { asOwner } from '../support/owner';
import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';

/** TC-18: an event that was seen and not done was never done. Top-ups are in `card-top-up-delivery.spec.ts`. */
describe('an event that was seen by a process that then died', () => {
  let world: PaybackWorld;

  beforeAll(async () => {
    world = await startPaybackWorld();
  });
  afterAll(() => world?.stop());
  afterEach(() => concludePayback(world));

  const count = async (sql: string) =>
    Number((await world.database.query<{ count: bigint }>(`SELECT count(*) ${sql}`))[0]?.count);
  const written = async () => [await count('FROM stripe_events'), await count('FROM journal_entries')];

  /** The replica that takes it is killed once all is written, and nothing is committed. */
  const dieAt = async (body: string) => {
    const before = await written();
    const replica = await startMortalReplica(world);
    await asOwner(
      world.app,
      `CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(3); RETURN NEW; END $$`,
      'CREATE TRIGGER stuck BEFORE UPDATE ON stripe_events FOR EACH ROW EXECUTE FUNCTION stuck()',
    );
    const lost = fetch(`${replica.url}/webhooks/stripe`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'stripe-signature': sign(body, world.simulator.webhookSecret) },
      body,
    }).catch(() => 'no answer');
    while ((await count(`FROM pg_stat_activity WHERE wait_event = 'PgSleep'`)) === 0) await setTimeout(5);
    await replica.crash();
    expect(await lost).toBe('no answer');
    await asOwner(world.app, 'DROP FUNCTION stuck CASCADE');
    expect(await written()).toEqual(before);
  };

  it.each([
    ['refund.created', 'refund', { amount: 2000 }, 'refund_changed', { available: '30', held: '0' }],
    ['charge.dispute.created', 'dispute', {}, 'dispute_open', { available: '0', held: '50' }],
  ])('%s, is done when it comes again, once', async (type, what, body, effect, expected) => {
    const { key, charge } = await world.paid(5000);
    await world.press('webhooks', { drop: ['*'] });
    const { id } = await world.press(`charges/${charge}/${what}`, body);
    await world.press('webhooks', { drop: [] });
    const event = await eventBody(world, type);
    await dieAt(event);
    expect(await world.balance(key)).toMatchObject({ available: '50', held: '0' });
    expect((await world.deliver(event)).body.effect).toBe(effect);
    expect((await world.deliver(event)).body.effect).toBe('duplicate');
    expect(await world.balance(key)).toMatchObject(expected);
    if (what === 'dispute') await world.press(`disputes/${id}/close`, { outcome: 'won' });
    await world.settled();
  });
});
