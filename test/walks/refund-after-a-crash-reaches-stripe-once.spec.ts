import { startMortalReplica } from '../support/card-world';
import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';
import { eventually } from '../support/program';

/** The row is committed; whether Stripe was told is what a crash leaves open. */
describe('a refund that nobody finished', () => {
  let world: PaybackWorld;

  beforeAll(async () => {
    world = await startPaybackWorld();
  });
  afterAll(() => world?.stop());
  afterEach(() => concludePayback(world));

  const atStripe = async (intent: string) =>
    (await world.stripe.refunds.list({ payment_intent: intent })).data.map(({ amount }) => amount);

  it.each(['reset_before', 'reset_after', '500_after'])(
    'because the answer was lost (%s) is one refund',
    async (kind) => {
      const { key, topUp, intent } = await world.paid(5000);
      await world.press('faults', { kind, path: '/v1/refunds', method: 'POST', times: 3 });
      await world.ask(world.app.adminToken, `/admin/topups/${topUp}/refunds`, { amountCents: 2000 });
      await world.settled();
      await world.press('faults/clear');
      await world.database.query(`UPDATE jobs SET run_at = now() WHERE finished_at IS NULL AND name = 'card-refund'`);
      await world.settled();
      expect(await atStripe(intent)).toEqual([2000]);
      expect(await world.refunds(key)).toMatchObject([{ state: 'succeeded', amount: '20' }]);
      expect(await world.balance(key)).toMatchObject({ available: '30' });
    },
  );
});

describe('a refund whose process is killed', () => {
  let world: PaybackWorld;

  beforeAll(async () => {
    world = await startPaybackWorld({ JOBS_IN_PROCESS: 'false' });
  });
  afterAll(() => world?.stop());

  it('while it tells Stripe is told by the next one, once', async () => {
    const { key, topUp, intent } = await world.paid(5000);
    await world.press('faults', { kind: 'latency', path: '/v1/refunds', method: 'POST', latencyMs: 5000, times: 1 });
    await world.ask(world.app.adminToken, `/admin/topups/${topUp}/refunds`, { amountCents: 2000 });
    expect(await world.refunds(key)).toMatchObject([{ state: 'opened' }]);
    const first = await startMortalReplica(world);
    await eventually('The job', async () => {
      const rows = await world.database.query(`SELECT FROM jobs WHERE name = 'card-refund' AND state = 'running'`);
      return rows.length > 0 ? true : undefined;
    });
    await first.crash();
    expect(await world.refunds(key)).toMatchObject([{ state: 'opened' }]);
    // What a dead process had taken comes free with the end of its lease: that is now.
    await world.database.query(`UPDATE jobs SET run_at = now() WHERE name = 'card-refund'`);
    const second = await startMortalReplica(world);
    await world.settled();
    await second.crash();
    expect((await world.stripe.refunds.list({ payment_intent: intent })).data).toMatchObject([{ amount: 2000 }]);
    expect(await world.refunds(key)).toMatchObject([{ state: 'succeeded', amount: '20' }]);
    await concludePayback(world);
  });
});
