import type { Json } from '../support/card-world';
import { eventually } from '../support/program';
import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';

describe.each(['notify', 'freeze', 'refund'] as const)(
  'an early fraud warning with FRAUD_WARNING_ACTION=%s',
  (action) => {
    let world: PaybackWorld;

    beforeAll(async () => {
      world = await startPaybackWorld({ FRAUD_WARNING_ACTION: action });
    });
    afterAll(() => world?.stop());
    afterEach(() => concludePayback(world));

    const warned = async (cents: number, used: number) => {
      const paid = await world.paid(cents);
      await world.spend(paid.customer, used);
      await world.press(`charges/${paid.charge}/early_fraud_warning`);
      await world.settled();
      return paid;
    };
    const warnings = async (customerId: string): Promise<Json[]> =>
      (await world.ask(world.app.adminToken, `/admin/fraud-warnings?customerId=${customerId}`)).body.data;

    const LEFT = {
      notify: { posted: '40', available: '40', refunds: [] },
      freeze: { posted: '40', available: '0', refunds: [] },
      refund: { posted: '0', available: '0', refunds: [{ origin: 'fraud_warning', state: 'succeeded', amount: '40' }] },
    };

    it('tells the operator, and does just that', async () => {
      const { customer, key } = await warned(5000, 1000);
      const { refunds, ...balance } = LEFT[action];
      expect(await world.balance(key)).toMatchObject({ ...balance, owed: '0' });
      expect(await world.refunds(key)).toMatchObject(refunds);
      const [told] = (await world.ask(world.app.adminToken, '/v1/notifications')).body.data;
      expect(told).toMatchObject({ kind: 'early_fraud_warning', data: { action } });
      expect(await warnings(customer.id)).toMatchObject([{ action, customerId: customer.id }]);
      // Only what freezes keeps a card from being charged.
      await world.put(key, { thresholdCents: 0, amountCents: 1000 });
      expect((await world.rule(key)).reason).toBe(action === 'freeze' ? 'payment_disputed' : null);
    });

    it('and auto-reload charges that card no more, also when its payment has gone back', async () => {
      const saver = await world.saver();
      const { key, charge, customer, topUp } = await world.paidAgain(saver, 2000);
      await world.press(`charges/${charge}/early_fraud_warning`);
      await world.settled();
      if (action === 'freeze') await world.refund(topUp);
      if (action === 'notify') await world.spend(customer, 1500);
      await world.put(key, { thresholdCents: 1000, amountCents: 1000 });
      await world.wake();
      const charged = async () => (await world.attempts(key)).map(({ state, reason }) => [state, reason]);
      // Only what was to be told and nothing else leaves it as good as before.
      if (action === 'notify') return expect(await charged()).toEqual([['succeeded', null]]);
      expect(await charged()).toEqual([['failed', 'no_card']]);
      expect(await world.rule(key)).toMatchObject({ state: 'suspended', reason: 'no_card' });
      await world.ask(key, '/v1/auto-reload/resume', {});
      await world.settled();
      expect(await charged()).toEqual(Array(2).fill(['failed', 'no_card']));
      expect(await world.charges(saver)).toHaveLength(1);

      await world.stripe.paymentMethods.attach('pm_card_mastercard', { customer: saver.stripeId });
      await world.settled();
      expect((await charged())[0]).toEqual(['succeeded', null]);
      return expect((await world.told(key)).filter((kind) => kind === 'reload_succeeded')).toHaveLength(1);
    });

    it('and a reload that Stripe has not answered yet is not asked for again with that card', async () => {
      const saver = await world.saver();
      const { key, charge, customer } = await world.paidAgain(saver, 2000);
      await world.spend(customer, 1500);
      const fault = { kind: 'reset_before', method: 'POST', path: '/v1/payment_intents', times: 1000 };
      await world.press('faults', fault);
      await world.put(key, { thresholdCents: 1000, amountCents: 1000 });
      const attempt = async () => (await world.attempts(key))[0];
      await eventually('An attempt in doubt', async () => ((await attempt())?.state === 'in_doubt' ? true : undefined));
      await world.settled();
      await world.press(`charges/${charge}/early_fraud_warning`);
      // Also until the refund has ended the warning, where there is one.
      await world.settled();
      await world.press('faults/clear');
      await world.database.query(`UPDATE jobs SET run_at = now() WHERE state = 'waiting' AND name = 'auto-reload'`);
      await world.settled();
      const [state, reason, charges] =
        action === 'notify' ? (['succeeded', null, 2] as const) : (['in_doubt', 'not_wanted', 1] as const);
      expect(await attempt()).toMatchObject({ state, reason });
      expect(await world.charges(saver)).toHaveLength(charges);
    });

    it('and a refund of a part: what is left waits on if it waited', async () => {
      const { key, topUp } = await warned(5000, 1000);
      const left = LEFT[action].posted;
      // Before Stripe tells what it makes of the warning then.
      await world.press('webhooks', { paused: true });
      const part = await world.ask(world.app.adminToken, `/admin/topups/${topUp}/refunds`, { amountCents: 1500 });
      const rest = { notify: ['25', '25'], freeze: ['25', '0'], refund: [left, left] }[action];
      const { posted, available } = await world.balance(key);
      expect([part.status, posted, available]).toEqual([action === 'refund' ? 409 : 201, ...rest]);
      await world.press('webhooks', { paused: false });
      await world.settled();
    });

    it('that the operator dismisses freezes nothing any more, and a dispute does all the same', async () => {
      const { customer, key, charge } = await warned(5000, 5000 - 1);
      const [{ id }] = await warnings(customer.id);
      const dismissed = await world.ask(world.app.adminToken, `/admin/fraud-warnings/${id}/dismiss`, {});
      expect(dismissed).toMatchObject({ status: 200, body: { id, action: 'notify' } });
      const left = action === 'refund' ? '0' : '0.01';
      expect(await world.balance(key)).toMatchObject({ posted: left, available: left });
      expect((await world.ask(world.app.adminToken, '/admin/fraud-warnings/none/dismiss', {})).status).toBe(404);
      const dispute = await world.press(`charges/${charge}/dispute`);
      await world.settled();
      expect(await world.balance(key)).toMatchObject({ posted: left, available: '0' });
      await world.press(`disputes/${dispute.id}/close`, { outcome: 'won' });
      await world.settled();
      expect(await world.balance(key)).toMatchObject({ posted: left, available: left });
    });
  },
);
