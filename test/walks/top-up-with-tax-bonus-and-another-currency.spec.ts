import { formatMoney, usd } from '../../src/common/money';
import { fxDifference, promoExpense, stripeClearing, taxPayable } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { eventBody } from '../support/card-world';
import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';

describe('a top-up', () => {
  let world: PaybackWorld;

  beforeAll(async () => {
    world = await startPaybackWorld({
      TOPUP_TIERS: '25:1,100:10',
      TOPUP_BONUS_DAYS: '30',
      TOPUP_CURRENCIES: 'usd,eur:1.08',
      STRIPE_TAX: 'true',
    });
    await world.stripe.tax.registrations.create({
      country: 'DE',
      active_from: 'now',
      country_options: { de: { type: 'standard' } },
    });
    await world.press('account', { settlementCurrencies: ['usd'], rates: { eur: '1.10' } });
  });
  afterAll(() => world?.stop());

  const start = async (key: string, order: object) => {
    const { status, body } = await world.ask(key, '/v1/topups', order);
    expect({ status, body }).toMatchObject({ status: 201 });
    return { ...body, session: body.url.split('/').pop() };
  };
  const posted = async (account: ReturnType<typeof taxPayable>) =>
    (await world.app.app.get(LedgerAccountsService, { strict: false }).balance(account)).posted.atoms;
  const grantsOf = (customerId: string) =>
    world.database.query(
      `SELECT class, origin, atoms, round(extract(epoch FROM expires_at - now()) / 86400)::integer AS days
         FROM credit_grants WHERE customer_id = $1 ORDER BY class`,
      [customerId],
    );

  it('says what may be topped up', async () => {
    const { key } = await world.customer();
    expect((await world.ask(key, '/v1/topups/options')).body).toEqual({
      minCents: 500,
      maxCents: 1_000_000,
      tiers: [
        { from: '25', bonus: '1' },
        { from: '100', bonus: '10' },
      ],
      currencies: [
        { code: 'usd', usd: '1' },
        { code: 'eur', usd: '1.08' },
      ],
      tax: true,
    });
    expect((await world.ask(key, '/v1/topups', { amountCents: 1000, currency: 'gbp' })).body).toMatchObject({
      code: 'currency_not_taken',
      currencies: ['usd', 'eur'],
    });
  });

  it('where tax is due brings credit without it, and its bonus as promotional credit that ends', async () => {
    const { customer, key } = await world.customer();
    const [tax, promo] = [await posted(taxPayable()), await posted(promoExpense())];
    const { id, session, ...shown } = await start(key, { amountCents: 10_000 });
    expect(shown).toMatchObject({ amount: '100', bonus: '10', tax: '0', paidIn: 'usd', origin: 'checkout' });
    await world.press(`checkout/${session}/pay`, { country: 'DE', name: 'Ada' });
    await world.delivered();
    expect((await world.ask(key, `/v1/topups/${id}`)).body).toMatchObject({
      state: 'paid',
      paid: '100',
      tax: '19',
      bonus: '10',
    });
    expect((await world.ask(key, '/v1/balance')).body.available).toBe('110');
    expect((await posted(taxPayable())) - tax).toBe(19_000_000_000n);
    expect(promo - (await posted(promoExpense()))).toBe(10_000_000_000n);
    expect(await grantsOf(customer.id)).toEqual([
      { class: 'paid', origin: 'topup', atoms: 100_000_000_000n, days: null },
      { class: 'promo', origin: 'bonus', atoms: 10_000_000_000n, days: 30 },
    ]);
    const { url } = (await world.ask(key, `/v1/topups/${id}/receipt`)).body;
    expect((await fetch(url)).status).toBe(200);
    await concludePayback(world);
  });

  it('that its bank takes back in part gives its share of tax and bonus, and has all of it again when it is won', async () => {
    const { key } = await world.customer();
    const { id, session } = await start(key, { amountCents: 10_000 });
    await world.press(`checkout/${session}/pay`, { country: 'DE', name: 'Ada' });
    await world.delivered();
    const [row] = await world.database.query<{ intent: string }>(
      'SELECT payment_intent_id AS intent FROM topups WHERE id = $1',
      [id],
    );
    const { latest_charge: charge } = await world.stripe.paymentIntents.retrieve(row?.intent ?? '');
    const [tax, promo] = [await posted(taxPayable()), await posted(promoExpense())];
    const standing = async () => ({
      available: (await world.balance(key)).available,
      tax: formatMoney(usd((await posted(taxPayable())) - tax)),
      promo: formatMoney(usd((await posted(promoExpense())) - promo)),
    });
    const disputed = async (amount: number) => {
      const made = await world.press(`charges/${charge as string}/dispute`, { amount });
      await world.settled();
      return made.id as string;
    };
    const decided = async (path: string, body = {}) => {
      await world.press(path, body);
      await world.settled();
    };
    const whole = { available: '110', tax: '0', promo: '0' };

    // $59.50 of $119: half of $100 of credit, of $19 of tax and of $10 of bonus.
    const lost = await disputed(5950);
    expect(await standing()).toEqual({ ...whole, available: '0' });
    await decided(`disputes/${lost}/close`, { outcome: 'lost' });
    const half = { available: '55', tax: '-9.5', promo: '5' };
    expect(await standing()).toEqual(half);
    const { body } = await world.ask(world.app.adminToken, '/admin/disputes');
    expect(body.data).toMatchObject([{ id: lost, amount: '59.5', lost: '50', owed: '0' }]);

    const won = await disputed(3570);
    expect(await standing()).toEqual({ ...half, available: '0' });
    await decided(`disputes/${won}/close`, { outcome: 'won' });
    expect(await standing()).toEqual(half);

    // The bank changes its mind about the first one.
    await decided(`disputes/${lost}/reinstate`);
    expect(await standing()).toEqual(whole);
    await concludePayback(world);
  });

  it('that is paid again, or not in full, brings no bonus again', async () => {
    const { customer, key } = await world.customer();
    const first = await start(key, { amountCents: 2500 });
    await world.press(`checkout/${first.session}/pay`, { country: 'US' });
    await world.press(`checkout/${first.session}/pay_again`, {});
    await world.delivered();
    expect((await world.ask(key, '/v1/balance')).body.available).toBe('51');

    const second = await start(key, { amountCents: 2500 });
    await world.press('webhooks', { paused: true });
    await world.press(`checkout/${second.session}/pay`, { country: 'US' });
    const event = JSON.parse(await eventBody(world, 'checkout.session.completed'));
    Object.assign(event.data.object, { amount_total: 2499 });
    await world.deliver(JSON.stringify(event));
    await world.press('webhooks', { paused: false });
    await world.delivered();
    expect((await world.ask(key, `/v1/topups/${second.id}`)).body).toMatchObject({ paid: '24.99', bonus: '0' });
    expect(await grantsOf(customer.id)).toHaveLength(4);
  });

  it('in euros is credited at the fixed rate, and what the exchange made of it is booked beside', async () => {
    const { customer, key } = await world.customer();
    const [fx, clearing] = [await posted(fxDifference()), await posted(stripeClearing())];
    const { id, session } = await start(key, { amountCents: 5000, currency: 'eur' });
    await world.press(`checkout/${session}/pay`, { country: 'DE' });
    await world.delivered();
    // EUR 50 at 1.08 is $54 of credit, with the bonus of $25's tier; EUR 59.50 at 1.10 are $65.45 at Stripe.
    expect((await world.ask(key, `/v1/topups/${id}`)).body).toMatchObject({
      state: 'paid',
      amount: '54',
      paid: '54',
      tax: '10.26',
      bonus: '1',
      paidIn: 'eur',
    });
    expect((await grantsOf(customer.id)).map(({ atoms }: any) => atoms)).toEqual([54_000_000_000n, 1_000_000_000n]);
    expect((await posted(fxDifference())) - fx).toBe(1_190_000_000n);
    const [movement] = await world.database.query<any>(
      `SELECT t.* FROM stripe_transactions t JOIN topups USING (payment_intent_id) WHERE topups.id = $1`,
      [id],
    );
    expect(movement).toMatchObject({ currency: 'usd', amount_minor: 6545n, state: 'booked' });
    expect(clearing - (await posted(stripeClearing()))).toBe(movement.net_minor * 10_000_000n);
  });

  it('does not start by itself where tax is due: nobody is there to say where', async () => {
    const { key } = await world.customer();
    const response = await fetch(`${world.app.url}/v1/auto-reload`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ enabled: true, thresholdCents: 500, amountCents: 500 }),
    });
    expect({ status: response.status, body: await response.json() }).toMatchObject({
      status: 501,
      body: { code: 'auto_reload_unavailable' },
    });
  });
});
