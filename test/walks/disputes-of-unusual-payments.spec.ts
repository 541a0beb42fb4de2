import type { Tx } from '../../src/database/tx';
import { WriteOffs } from '../../src/ledger/write-offs.service';
import { DisputeOutcomes } from '../../src/topups/disputes/dispute-outcomes.service';
import { DisputesClient } from '../../src/topups/disputes/disputes.client';
import { ReversiblePayments } from '../../src/topups/reversals/reversible-payments.service';
import { concludePayback, type PaidTopUp, type PaybackWorld, startPaybackWorld } from '../support/payback-world';
import { asOwner } from '../support/owner';

describe('disputes of payments', () => {
  let world: PaybackWorld;

  beforeAll(async () => {
    world = await startPaybackWorld({ TOPUP_TIERS: '50:10', TOPUP_CURRENCIES: 'usd,eur:1.08' });
    await world.press('account', { settlementCurrencies: ['usd'], rates: { eur: '1.10' } });
  });
  afterAll(() => world?.stop());
  afterEach(() => concludePayback(world));

  const disputed = async ({ charge }: PaidTopUp, amount?: number): Promise<string> => {
    const { id } = await world.press(`charges/${charge}/dispute`, amount === undefined ? {} : { amount });
    await world.settled();
    return id;
  };
  const close = async (id: string, outcome: 'won' | 'lost') => {
    await world.press(`disputes/${id}/close`, { outcome });
    await world.settled();
  };

  it('that are two on one charge, one won and one lost: what is frozen and taken is of each', async () => {
    const paid = await world.paid(4000);
    const [first, second] = [await disputed(paid, 1000), await disputed(paid, 1500)];
    expect(await world.balance(paid.key)).toMatchObject({ posted: '40', available: '0' });
    await close(first, 'won');
    // The other one is not decided.
    expect(await world.balance(paid.key)).toMatchObject({ posted: '40', available: '0' });
    await close(second, 'lost');
    expect(await world.balance(paid.key)).toMatchObject({ posted: '25', available: '25', owed: '0' });
    const third = await disputed(paid, 2500);
    const fourth = await disputed(paid, 500);
    await close(third, 'lost');
    expect(await world.balance(paid.key)).toMatchObject({ posted: '0', available: '0', owed: '0' });
    expect((await world.ask(paid.key, `/v1/topups/${paid.topUp}`)).body.state).toBe('disputed');
    await close(fourth, 'won');
    expect((await world.ask(paid.key, `/v1/topups/${paid.topUp}`)).body.state).toBe('refunded');
  });

  it('with a bonus, in part: the bonus goes in proportion, and all of it comes back with a win', async () => {
    const paid = await world.paid(10_000);
    expect(await world.balance(paid.key)).toMatchObject({ available: '110' });
    const lost = await disputed(paid, 2500);
    expect(await world.balance(paid.key)).toMatchObject({ posted: '110', available: '0' });
    await close(lost, 'lost');
    expect(await world.balance(paid.key)).toMatchObject({ posted: '82.5', available: '82.5' });
    const won = await disputed(paid, 7500);
    await close(won, 'won');
    expect(await world.balance(paid.key)).toMatchObject({ posted: '82.5', available: '82.5' });
    expect([await world.house('expense:promo'), await world.house('expense:disputes')]).toEqual(['-7.5', '-45']);
  });

  it('whose bonus ended while they were open: a win gives it back for another thirty days', async () => {
    const paid = await world.paid(5000);
    const id = await disputed(paid);
    const sql = `UPDATE credit_grants SET expires_at = now() - interval '1 hour' WHERE origin = 'bonus' AND origin_id = $1`;
    await asOwner(world.app, [sql, [paid.topUp]]);
    await close(id, 'won');
    expect(await world.balance(paid.key)).toMatchObject({ posted: '60', available: '60' });
    const [{ days }] = (await world.database.query<{ days: number }>(
      `SELECT (expires_at::date - now()::date)::int AS days FROM credit_grants WHERE origin = 'bonus' AND origin_id = $1`,
      [paid.topUp],
    )) as [{ days: number }];
    expect(days).toBe(30);
  });

  it('from before there were grants share one: each freezes its own part of it, and lets go no more', async () => {
    const first = await world.paid(3000);
    const second = await world.paidAgain(first, 2000);
    const third = await world.paidAgain(first, 4000);
    const { customer, key } = first;
    const sum = '(SELECT sum(atoms) FROM credit_grants WHERE customer_id = $1)';
    await asOwner(
      world.app,
      'ALTER TABLE grant_movements DISABLE TRIGGER USER',
      [
        `UPDATE credit_grants SET origin = 'correction', origin_id = 'opening:' || $1, atoms = ${sum}, remaining_atoms = ${sum}
          WHERE origin_id = $2`,
        [customer.id, first.topUp],
      ],
      [
        `UPDATE grant_movements SET grant_id = (SELECT id FROM credit_grants WHERE origin_id = 'opening:' || $1)
          WHERE grant_id IN (SELECT id FROM credit_grants WHERE customer_id = $1)`,
        [customer.id],
      ],
      [`DELETE FROM credit_grants WHERE customer_id = $1 AND origin <> 'correction'`, [customer.id]],
      'ALTER TABLE grant_movements ENABLE TRIGGER USER',
    );
    const [lost, won] = [await disputed(second), await disputed(first)];
    expect(await world.balance(key)).toMatchObject({ posted: '90', held: '50', available: '40' });
    expect((await world.refund(third.topUp)).body).toMatchObject({ amount: '40' });
    expect(await world.balance(key)).toMatchObject({ posted: '50', held: '50', available: '0' });
    await close(won, 'won');
    expect(await world.balance(key)).toMatchObject({ posted: '50', held: '20', available: '30' });
    await close(lost, 'lost');
    expect(await world.balance(key)).toMatchObject({ posted: '30', held: '0', available: '30' });
    const again = await disputed(first);
    expect(await world.balance(key)).toMatchObject({ posted: '30', held: '30' });
    await close(again, 'lost');
    expect(await world.balance(key)).toMatchObject({ posted: '0', held: '0', owed: '0' });
  });

  it('lock all that they may move when they begin, however they go on: nobody waits for them in another order', async () => {
    const paid = await world.paid(5000);
    await world.spend(paid.customer, 2000);
    const get = <Service>(service: new (...given: never[]) => Service) =>
      world.app.app.get<Service>(service, { strict: false });
    /** Ledger accounts that `work` has locked at its end. */
    const lockedBy = (work: (tx: Tx) => Promise<unknown>) =>
      world.database.transaction(async (tx) => {
        await work(tx);
        const free = await world.database.query<{ id: bigint }>(
          'SELECT id FROM ledger_accounts FOR NO KEY UPDATE SKIP LOCKED',
        );
        const locked = 'SELECT code FROM ledger_accounts WHERE id <> ALL ($1::bigint[])';
        return (await tx.query<{ code: string }>(locked, [free.map(({ id }) => id)])).map(({ code }) => code);
      });
    const converges = async (id: string, effect: string) => {
      const atStripe = await get(DisputesClient).find(id);
      if (!atStripe) throw new Error('no dispute');
      const first = await lockedBy((tx) => get(ReversiblePayments).lock(tx, paid.intent));
      const all = await lockedBy(async (tx) => expect(await get(DisputeOutcomes).converge(tx, atStripe)).toBe(effect));
      expect(all.filter((code) => !first.includes(code))).toEqual([]);
      expect(first).not.toEqual([]);
    };
    await world.press('webhooks', { drop: ['*'] });
    const { id } = await world.press(`charges/${paid.charge}/dispute`);
    await converges(id, 'dispute_open');
    // Its bonus ends while it waits, and is looked at when the rest is taken.
    const sql = `UPDATE credit_grants SET expires_at = now() - interval '1 hour' WHERE origin = 'bonus' AND origin_id = $1`;
    await asOwner(world.app, [sql, [paid.topUp]]);
    await world.press(`disputes/${id}/close`, { outcome: 'lost' });
    await converges(id, 'dispute_lost');
    await get(WriteOffs).writeOff({ customerId: paid.customer.id, asset: 'USD', reason: 'Hopeless' });
    await world.press(`disputes/${id}/reinstate`);
    await converges(id, 'dispute_closed');
    await world.press('webhooks', { drop: [] });
  });

  it('in another currency, in part: lost and won leave nothing between the books and Stripe', async () => {
    const { customer, key } = await world.customer(['billing', 'inference']);
    const { body } = await world.ask(key, '/v1/topups', { amountCents: 4000, currency: 'eur' });
    await world.press(`checkout/${body.url.split('/').pop()}/pay`);
    await world.settled();
    const [row] = await world.database.query<{ intent: string }>(
      'SELECT payment_intent_id AS intent FROM topups WHERE id = $1',
      [body.id],
    );
    const intent = row?.intent ?? '';
    const { latest_charge: charge } = await world.stripe.paymentIntents.retrieve(intent);
    const paid = { customer, key, topUp: body.id, intent, charge: charge as string };
    const before = await world.balance(key);
    const lost = await disputed(paid, 1000);
    await close(lost, 'lost');
    expect(+before.posted - +(await world.balance(key)).posted).toBeCloseTo(10.8, 9);
    const won = await disputed(paid, 3000);
    // A fee alone is of no part of the payment.
    const waiting = await world.house('stripe:disputed');
    await world.moved(won, { amount: 0, fee: 1500 });
    expect(await world.house('stripe:disputed')).toBe(waiting);
    await close(won, 'won');
    expect(+before.posted - +(await world.balance(key)).posted).toBeCloseTo(10.8, 9);
  });

  it('of a customer that pays afterwards: a loss uses its limit before it is a debt, and a win gives both back', async () => {
    const paid = await world.paid(2000);
    const limited = await fetch(`${world.app.url}/admin/customers/${paid.customer.id}/credit-limit`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${world.app.adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ limit: '10' }),
    });
    expect(limited.status).toBe(200);
    await world.spend(paid.customer, 2500);
    const before = { posted: '-5', available: '5', held: '0', owed: '5', frozen: false };
    expect(await world.balance(paid.key)).toMatchObject(before);
    const id = await disputed(paid);
    expect(await world.balance(paid.key)).toMatchObject(before);
    await close(id, 'lost');
    expect(await world.balance(paid.key)).toMatchObject({ posted: '-10', available: '0', owed: '25', frozen: true });
    await world.press(`disputes/${id}/reinstate`);
    await world.settled();
    expect(await world.balance(paid.key)).toMatchObject(before);
  });

  it('that charged a saved card by itself: nothing is charged again while its bank doubts it', async () => {
    const saver = await world.saver({ cents: 1000 });
    await world.put(saver.key, { thresholdCents: 500, amountCents: 2000 });
    await world.spend(saver.customer, 600);
    await world.settled();
    expect((await world.charges(saver)).map(({ amount }) => amount)).toEqual([2000, 1000]);
    const [intent] = (await world.stripe.paymentIntents.list({ customer: saver.stripeId, limit: 1 })).data;
    await world.press(`charges/${intent?.latest_charge as string}/early_fraud_warning`);
    await world.settled();
    await world.spend(saver.customer, 300);
    await world.wake();
    expect(await world.charges(saver)).toHaveLength(2);
  });
});
