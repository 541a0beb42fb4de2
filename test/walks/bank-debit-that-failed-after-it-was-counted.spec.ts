import { eventBody, type Json } from '../support/card-world';
import { concludeStripeBooks, startStripeBooksWorld, type StripeBooksWorld } from '../support/stripe-books-world';

/** Stripe counts a bank debit when it is submitted, days before the bank says yes or no; and a bank may take back its yes. */
describe('a bank debit that Stripe counts before its bank has answered', () => {
  let world: StripeBooksWorld;

  beforeAll(async () => {
    world = await startStripeBooksWorld();
  });
  afterAll(() => world?.stop());
  afterEach(async () => {
    await world.press('webhooks', { drop: [] });
    await concludeStripeBooks(world);
    expect(await world.house('stripe:processing')).toBe('0');
  });

  const submitted = async () => {
    const { key } = await world.customer();
    const { id, session } = await world.topUp(key, 10_000);
    await world.press(`checkout/${session}/pay_later`, { submitted: true });
    await world.delivered();
    const charge = async () => {
      const { payment_intent: intent } = await world.stripe.checkout.sessions.retrieve(session);
      return (await world.stripe.paymentIntents.retrieve(intent as string)).latest_charge as string;
    };
    return { key, id, session, charge: await charge() };
  };
  const stateOf = async ({ key, id }: { key: string; id: string }) =>
    (await world.ask(key, `/v1/topups/${id}`)).body.state;

  /** What the customer and the operator are told of it. */
  const told = async ({ key, id }: { key: string; id: string }): Promise<string[][]> => {
    const of = async (token: string) =>
      (await world.ask(token, '/v1/notifications?limit=200')).body.data
        .filter(({ data }: Json) => data.topUp === id)
        .map(({ kind, data }: Json) => `${kind} ${data.amount} ${data.taken} ${data.owed}`);
    return [await of(key), await of(world.app.adminToken)];
  };

  it('is nobody’s credit and no discrepancy until then, and nothing when it fails', async () => {
    const debit = await submitted();
    expect((await world.reconcile()).findings).toEqual([]);
    expect(await world.house('stripe:processing')).toBe('100');
    expect((await world.balance(debit.key)).available).toBe('0');
    await world.press(`checkout/${debit.session}/settle_async`, { outcome: 'failed' });
    await world.settled();
    expect(await world.house('stripe:processing')).toBe('0');
    expect(await world.house('stripe:clearing')).toBe('0');
    expect(await world.house('stripe:fees')).toBe('0');
    expect(await stateOf(debit)).toBe('failed');
    expect(await told(debit)).toEqual(Array(2).fill(['bank_debit_failed 100 0 0']));
  });

  const [YES, NO] = ['checkout.session.async_payment_succeeded', 'charge.failed'];
  it.each([
    ['its yes', [YES, NO]],
    ['its no', [NO, YES]],
  ])(
    'credits nothing when its bank has taken it back before anybody told of either, told first of %s',
    async (_, types) => {
      const debit = await submitted();
      await world.press('webhooks', { drop: ['*'] });
      await world.press(`checkout/${debit.session}/settle_async`, { outcome: 'succeeded' });
      await world.press(`charges/${debit.charge}/return`);
      await world.press('webhooks', { drop: [] });
      for (const type of types) {
        expect((await world.deliver(await eventBody(world, type))).status).toBe(200);
      }
      await world.settled();
      expect((await world.balance(debit.key)).available).toBe('0');
      expect(await stateOf(debit)).toBe('failed');
      expect(await told(debit)).toEqual(Array(2).fill(['bank_debit_failed 100 0 0']));
    },
  );

  it('is credited once when it is paid, whatever was looked at before', async () => {
    const debit = await submitted();
    await world.reconcile();
    await world.press(`checkout/${debit.session}/settle_async`, { outcome: 'succeeded' });
    await world.settled();
    expect((await world.balance(debit.key)).available).toBe('100');
    expect(await stateOf(debit)).toBe('paid');
  });

  it.each([
    ['by a webhook', []],
    ['by nobody', ['*']],
  ])('is taken from whom it was credited to when its bank takes it back, told %s', async (_, drop) => {
    const debit = await submitted();
    await world.press(`checkout/${debit.session}/settle_async`, { outcome: 'succeeded' });
    await world.settled();
    expect((await world.balance(debit.key)).available).toBe('100');
    await world.press('webhooks', { drop });
    await world.press(`charges/${debit.charge}/return`);
    await world.settled();
    expect((await world.reconcile()).findings).toEqual([]);
    expect((await world.balance(debit.key)).available).toBe('0');
    expect(await world.refunds(debit.key)).toMatchObject([
      { origin: 'bank', state: 'succeeded', amount: '100', reason: 'payment_failed' },
    ]);
    expect(await stateOf(debit)).toBe('refunded');
    expect(await told(debit)).toEqual(Array(2).fill(['bank_debit_failed 100 100 0']));
  });
});
