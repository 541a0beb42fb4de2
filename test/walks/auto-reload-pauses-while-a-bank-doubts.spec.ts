import { ReloadRules } from '../../src/topups/reload/reload-rules.service';
import { eventually } from '../support/program';
import { concludePayback, type PaidTopUp, type PaybackWorld, startPaybackWorld } from '../support/payback-world';

/** Nothing is charged without its holder while a bank doubts a payment of the same customer. */
describe('auto-reload', () => {
  let world: PaybackWorld;

  beforeAll(async () => {
    world = await startPaybackWorld();
  });
  afterAll(() => world?.stop());

  const terms = { thresholdCents: 1000, amountCents: 1000 };
  /** A customer with a saved card, and two top-ups of $20: the later one may be doubted. */
  const payer = async (): Promise<PaidTopUp> => {
    const saver = await world.saver({ cents: 2000 });
    return world.paidAgain(saver, 2000);
  };

  it('waits while a fraud warning is open, says why, and goes on when it is dismissed', async () => {
    const { customer, key, charge } = await payer();
    await world.put(key, terms);
    await world.press(`charges/${charge}/early_fraud_warning`, { fraud_type: 'made_with_stolen_card' });
    await world.settled();
    await world.spend(customer, 1500);
    await world.put(key, { ...terms, thresholdCents: 3000 });
    await world.wake();
    expect(await world.attempts(key)).toEqual([]);
    expect(await world.rule(key)).toMatchObject({ state: 'active', reason: 'payment_disputed' });

    const { body } = await world.ask(world.app.adminToken, `/admin/fraud-warnings?customerId=${customer.id}`);
    await world.ask(world.app.adminToken, `/admin/fraud-warnings/${body.data[0].id}/dismiss`, {});
    await world.wake();
    expect(await world.attempts(key)).toMatchObject([{ state: 'succeeded', amount: '10' }]);
    expect(await world.rule(key)).toMatchObject({ reason: null });
    await concludePayback(world);
  });

  /** Who is looked at every minute; whoever is in vain keeps others waiting. */
  const due = () => world.app.app.get(ReloadRules, { strict: false }).due();

  it('waits while a dispute is open, says why, and goes on when it is won', async () => {
    const { customer, key, charge } = await payer();
    await world.put(key, terms);
    const dispute = await world.press(`charges/${charge}/dispute`);
    await world.settled();
    await world.spend(customer, 1950);
    await world.put(key, { ...terms, thresholdCents: 5000 });
    await world.wake();
    expect(await world.attempts(key)).toEqual([]);
    expect(await world.rule(key)).toMatchObject({ state: 'active', reason: 'payment_disputed' });
    expect(await due()).not.toContain(customer.id);

    await world.press(`disputes/${dispute.id}/close`, { outcome: 'won' });
    await world.settled();
    await world.wake();
    expect(await world.attempts(key)).toMatchObject([{ state: 'succeeded', amount: '30' }]);
    expect(await world.rule(key)).toMatchObject({ reason: null });
    await concludePayback(world);
  });

  it('that was planned before a dispute charges nothing after it, until that is won', async () => {
    const { customer, key, charge } = await payer();
    await world.put(key, terms);
    // The cards of the customer cannot be asked for: the attempt stays planned.
    await world.press('faults', { kind: '500_no_retry', method: 'GET', path: '/v1/customers', times: 1000 });
    await world.spend(customer, 3500);
    await eventually('A first try', async () => {
      const sql = `SELECT 1 FROM jobs WHERE name = 'auto-reload' AND state = 'waiting' AND last_error IS NOT NULL`;
      return (await world.database.query(sql)).length > 0 ? true : undefined;
    });
    expect(await world.attempts(key)).toMatchObject([{ state: 'planned' }]);
    const dispute = await world.press(`charges/${charge}/dispute`);
    await world.delivered();
    await world.press('faults/clear');
    await world.database.query(`UPDATE jobs SET run_at = now() WHERE state = 'waiting' AND name = 'auto-reload'`);
    await world.settled();
    await world.wake();
    expect(await world.attempts(key)).toMatchObject([{ state: 'failed', reason: 'not_wanted', paymentIntentId: null }]);
    expect(await world.rule(key)).toMatchObject({ state: 'active', reason: 'payment_disputed', failures: 0 });

    await world.press(`disputes/${dispute.id}/close`, { outcome: 'won' });
    await world.settled();
    await world.wake();
    expect(await world.attempts(key)).toMatchObject([{ state: 'succeeded', amount: '10' }, { state: 'failed' }]);
    await concludePayback(world);
  });
});
