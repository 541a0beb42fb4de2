import { usd } from '../../src/common/money';
import { callCaptured } from '../../src/ledger/entries';
import { customerCredits, suspense } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { LedgerService } from '../../src/ledger/ledger.service';
import { newId } from '../../src/common/id';
import { type CardWorld, effectsOf, eventBody, startCardWorld } from '../support/card-world';

const COMPLETED = 'checkout.session.completed';

describe('money that arrives by card', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await startCardWorld();
  });
  afterAll(() => world.stop());

  const ledger = () => world.app.app.get(LedgerService, { strict: false });
  const accounts = () => world.app.app.get(LedgerAccountsService, { strict: false });
  const balance = async (key: string) => (await world.ask(key, '/v1/balance')).body;

  /** A session that somebody makes at Stripe without us, and pays. */
  const payElsewhere = async (cents: number, metadata: Record<string, string>, currency = 'usd') => {
    const session = await world.stripe.checkout.sessions.create({
      mode: 'payment',
      line_items: [{ quantity: 1, price_data: { currency, unit_amount: cents, product_data: { name: 'Else' } } }],
      metadata,
      success_url: 'https://elsewhere.example/',
    });
    await world.press(`checkout/${session.id}/pay`);
    await world.delivered();
    return session.id;
  };
  const eventsOf = (session: string) =>
    world.database.query<{ effect: string }>('SELECT effect FROM stripe_events WHERE object_id = $1', [session]);

  it('for nothing that we know waits in suspense, where a person finds it', async () => {
    const before = (await accounts().balance(suspense('USD'))).posted.atoms;
    const session = await payElsewhere(4200, {});
    const strange = await payElsewhere(100, { topup_id: 'top_nobody' });
    expect((await accounts().balance(suspense('USD'))).posted.atoms - before).toBe(43_000_000_000n);
    const found = await world.database.query(
      `SELECT gross_atoms, memo FROM stripe_payments JOIN journal_entries ON id = entry_id
        WHERE topup_id IS NULL AND checkout_session_id = ANY ($1) ORDER BY gross_atoms DESC`,
      [[session, strange]],
    );
    expect(found).toMatchObject([
      { gross_atoms: 42_000_000_000n, memo: { checkoutSession: session } },
      { gross_atoms: 1_000_000_000n, memo: { checkoutSession: strange } },
    ]);
    expect(await eventsOf(session)).toEqual([{ effect: 'suspense' }]);
  });

  it('a second time for the same top-up is further credit (TC-19)', async () => {
    const { customer, key } = await world.customer();
    const { id, session } = await world.topUp(key, 1000);
    await world.press(`checkout/${session}/pay`);
    await world.delivered();
    const again = await payElsewhere(700, { topup_id: id, customer_id: customer.id });
    expect(await eventsOf(again)).toEqual([{ effect: 'extra_credit' }]);
    expect((await balance(key)).available).toBe('17');
    expect((await world.ask(key, `/v1/topups/${id}`)).body).toMatchObject({ state: 'paid', amount: '10', paid: '17' });
    const keys = await world.database.query('SELECT key FROM journal_entries WHERE customer_id = $1 ORDER BY id', [
      customer.id,
    ]);
    expect(keys).toEqual([{ key: `topup:${id}` }, { key: expect.stringMatching(/^payment:pi_/) }]);
  });

  it('two payments of one top-up at the same moment are both credited', async () => {
    const { key } = await world.customer();
    const { id, session } = await world.topUp(key, 1000);
    await world.press('webhooks', { paused: true });
    await world.press(`checkout/${session}/pay`);
    const first = JSON.parse(await eventBody(world, COMPLETED));
    const object = { ...first.data.object, id: 'cs_other', payment_intent: 'pi_other' };
    const second = { ...first, id: 'evt_other', data: { object } };
    const answers = await Promise.all([first, second].map((event) => world.deliver(JSON.stringify(event))));
    expect(effectsOf(answers)).toEqual(['credited', 'extra_credit']);
    expect((await balance(key)).available).toBe('20');
    expect((await world.ask(key, `/v1/topups/${id}`)).body.paid).toBe('20');
    await world.press('webhooks', { paused: false });
    await world.delivered();
    expect((await balance(key)).available).toBe('20');
  });

  it('after the page had expired still counts', async () => {
    const { key } = await world.customer();
    const { id, session } = await world.topUp(key, 1000);
    await world.press(`checkout/${session}/expire`);
    await world.delivered();
    await payElsewhere(1000, { topup_id: id });
    expect((await world.ask(key, `/v1/topups/${id}`)).body).toMatchObject({ state: 'paid', paid: '10' });
    expect((await balance(key)).available).toBe('10');
  });

  it('counts as Stripe reports it, without the tax, whatever we had asked for', async () => {
    const { key } = await world.customer();
    const { session } = await world.topUp(key, 1000);
    await world.press('webhooks', { paused: true });
    await world.press(`checkout/${session}/pay`);
    const event = JSON.parse(await eventBody(world, COMPLETED));
    Object.assign(event.data.object, { amount_total: 1309, total_details: { amount_tax: 209 } });
    expect((await world.deliver(JSON.stringify(event))).body.effect).toBe('credited');
    expect((await balance(key)).available).toBe('11');
    const [tax] = (await accounts().list()).filter((account) => account.code === 'tax:payable');
    expect(tax?.posted).toEqual(usd(2_090_000_000n));
    await world.press('webhooks', { paused: false });
    await world.delivered();
  });

  it('in another currency is not credit, and is not forgotten', async () => {
    const { key } = await world.customer();
    const { id } = await world.topUp(key, 1000);
    const session = await payElsewhere(1000, { topup_id: id }, 'eur');
    expect(await eventsOf(session)).toEqual([{ effect: 'unsupported_currency' }]);
    expect((await balance(key)).available).toBe('0');
  });

  it('without its fee is credit at once; the fee follows when Stripe has booked it', async () => {
    const { key } = await world.customer();
    const { id, session } = await world.topUp(key, 1000);
    await world.press('webhooks', { paused: true });
    await world.press(`checkout/${session}/pay`);
    const [completed, booked] = [await eventBody(world, COMPLETED), await eventBody(world, 'charge.updated')];
    const intent = JSON.parse(completed).data.object.payment_intent;
    const fee = () => world.database.query('SELECT fee_atoms FROM stripe_payments WHERE topup_id = $1', [id]);
    // The event comes while Stripe cannot be asked: a key that Stripe does not know stands in for that.
    const unknown = completed.replace(`"${intent}"`, '"pi_not_there_yet"');
    expect((await world.deliver(unknown)).body.effect).toBe('credited');
    expect(await fee()).toEqual([{ fee_atoms: null }]);
    expect((await world.deliver(booked)).body.effect).toBe('ignored');
    await world.database.query(`UPDATE stripe_payments SET payment_intent_id = $1 WHERE topup_id = $2`, [intent, id]);
    const answers = await Promise.all([1, 2, 3].map(() => world.deliver(booked)));
    expect(answers.map((answer) => answer.body.effect)).toContain('fee_booked');
    expect(await fee()).toEqual([{ fee_atoms: 590_000_000n }]);
    const entries = await world.database.query('SELECT FROM journal_entries WHERE key = $1', [`stripe-fee:${intent}`]);
    expect(entries).toHaveLength(1);
    expect((await balance(key)).available).toBe('10');
    await world.press('webhooks', { paused: false });
    await world.delivered();
  });

  it('repays a debt first, and lets the customer spend again when nothing is owed', async () => {
    const { customer, key } = await world.customer();
    const charge = usd(8_000_000_000n);
    await ledger().post(callCaptured({ callId: newId(), customerId: customer.id, charge }));
    expect(await balance(key)).toMatchObject({ available: '0', owed: '8', frozen: true });

    const small = await world.topUp(key, 500);
    await world.press(`checkout/${small.session}/pay`);
    await world.delivered();
    expect(await balance(key)).toMatchObject({ available: '0', owed: '3', frozen: true });

    const large = await world.topUp(key, 1000);
    await world.press(`checkout/${large.session}/pay`);
    await world.delivered();
    expect(await balance(key)).toMatchObject({ available: '7', owed: '0', frozen: false });
    const hold = { id: newId(), account: customerCredits(customer.id, 'USD'), amount: usd(7_000_000_000n) };
    expect(await ledger().hold(hold, new Date(Date.now() + 60_000))).toEqual({ verdict: 'held' });
  });

  it('for one debtor at many moments repays exactly what is owed', async () => {
    const { customer, key } = await world.customer();
    await ledger().post(callCaptured({ callId: newId(), customerId: customer.id, charge: usd(25_000_000_000n) }));
    const sessions = [];
    for (let n = 0; n < 6; n++) sessions.push((await world.topUp(key, 1000)).session);
    await world.press('webhooks', { paused: true });
    const bodies = [];
    for (const session of sessions) {
      await world.press(`checkout/${session}/pay`);
      bodies.push(await eventBody(world, COMPLETED));
    }
    const calls = [1, 2, 3, 4].map(() =>
      ledger().post(callCaptured({ callId: newId(), customerId: customer.id, charge: usd(1_000_000_000n) })),
    );
    const answers = await Promise.all(bodies.map((body) => world.deliver(body)));
    expect(answers.map(({ status, body }) => [status, body.effect])).toEqual(Array(6).fill([200, 'credited']));
    await Promise.all(calls);
    expect(await balance(key)).toMatchObject({ available: '31', owed: '0' });
    await world.press('webhooks', { paused: false });
    await world.delivered();
  });
});
