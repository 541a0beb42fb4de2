import type { Json } from '../support/card-world';
import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';
import { seedPrices } from '../support/world';

describe('what a customer owes, and the operator gives up', () => {
  let world: PaybackWorld;

  beforeAll(async () => {
    world = await startPaybackWorld();
    await seedPrices(world.app);
  });
  afterAll(() => world?.stop());
  afterEach(() => concludePayback(world));

  const writeOff = async (customerId: string, body: Json, key?: string): Promise<{ status: number; body: Json }> => {
    const answer = await fetch(`${world.app.url}/admin/receivables/${customerId}/write-off`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${world.app.adminToken}`,
        'content-type': 'application/json',
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: await answer.json() };
  };

  it('is an expense, in parts, once for each request; with the last of it calls work again', async () => {
    const { customer, key, charge } = await world.paid(5000);
    await world.spend(customer, 5000);
    const { id } = await world.press(`charges/${charge}/dispute`);
    await world.press(`disputes/${id}/close`, { outcome: 'lost' });
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ owed: '50', frozen: true });
    const asked = { amount: '20', reason: 'Half of it, as agreed' };
    const twins = await Promise.all(Array.from({ length: 5 }, () => writeOff(customer.id, asked, 'agreed')));
    for (const twin of twins) {
      expect(twin).toEqual({ status: 201, body: { ...twins[0]?.body, writtenOff: '20', owed: '30', asset: 'USD' } });
    }
    expect((await writeOff(customer.id, { ...asked, amount: '21' }, 'agreed')).body.code).toBe('idempotency_conflict');
    expect(await writeOff(customer.id, { amount: '30.01', reason: 'All' })).toMatchObject({
      status: 409,
      body: { code: 'write_off_exceeds_owed', owed: '30' },
    });
    expect(await world.balance(key)).toMatchObject({ owed: '30', frozen: true });

    expect((await writeOff(customer.id, { reason: 'Insolvent' })).body).toMatchObject({ writtenOff: '30', owed: '0' });
    expect(await world.balance(key)).toMatchObject({ available: '0', owed: '0', frozen: false });
    expect(await world.house('expense:writeoff')).toBe('-50');
    await world.paidAgain({ customer, key }, 1000);
    const call = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 10 };
    // There is no upstream here: the call was let in.
    expect((await world.ask(key, '/v1/chat/completions', call)).status).not.toBe(402);
    expect(await world.balance(key)).toMatchObject({ available: '10' });
  });

  it('is owed again, and repaid, when the bank gives the money back after all: nobody is paid for what it has used', async () => {
    const { customer, key, charge } = await world.paid(5000);
    await world.spend(customer, 3000);
    const { id } = await world.press(`charges/${charge}/dispute`);
    await world.press(`disputes/${id}/close`, { outcome: 'lost' });
    await world.settled();
    const before = Number(await world.house('expense:writeoff'));
    expect((await writeOff(customer.id, { reason: 'Hopeless' })).body).toMatchObject({ writtenOff: '30', owed: '0' });

    await world.press(`disputes/${id}/reinstate`);
    await world.settled();

    expect(await world.balance(key)).toMatchObject({ available: '20', owed: '0', frozen: false });
    expect(Number(await world.house('expense:writeoff'))).toBe(before);
  });

  it('stays given up when it is another debt that the bank gives back: what was repaid comes back whole', async () => {
    const { customer, key, charge, topUp } = await world.paid(5000);
    await world.spend(customer, 5000);
    /** A debt of so many cents that is given up; no dispute has made it. */
    const overrun = async (cents: number) => {
      const paid = await world.paidAgain({ customer, key }, cents);
      await world.spend(customer, cents);
      await world.refund(paid.topUp, { force: true });
      expect((await writeOff(customer.id, { reason: 'Small' })).body).toMatchObject({ owed: '0' });
    };
    await overrun(500);
    const { id } = await world.press(`charges/${charge}/dispute`, { amount: 2000 });
    await world.press(`disputes/${id}/close`, { outcome: 'lost' });
    await world.settled();
    await world.paidAgain({ customer, key }, 2000);
    expect(await world.balance(key)).toMatchObject({ available: '0', owed: '0' });
    await overrun(700);
    const before = await world.house('expense:writeoff');

    await world.press(`disputes/${id}/reinstate`);
    await world.settled();

    expect(await world.balance(key)).toMatchObject({ available: '20', owed: '0', frozen: false });
    expect([await world.house('expense:writeoff'), await world.left(topUp)]).toEqual([before, '20']);
  });

  it('is owed again, and repaid, when a refund fails that had made it', async () => {
    const { customer, key, topUp, intent } = await world.paid(5000);
    await world.spend(customer, 3000);
    await world.refund(topUp, { force: true });
    const before = Number(await world.house('expense:writeoff'));
    expect((await writeOff(customer.id, { reason: 'Gone' })).body).toMatchObject({ writtenOff: '30', owed: '0' });

    const [refund] = (await world.stripe.refunds.list({ payment_intent: intent })).data;
    await world.press(`refunds/${refund?.id}/settle`, { outcome: 'failed' });
    await world.settled();

    expect(await world.balance(key)).toMatchObject({ available: '20', owed: '0', frozen: false });
    expect(Number(await world.house('expense:writeoff'))).toBe(before);
  });

  it('is nothing where nothing is owed', async () => {
    const { customer } = await world.paid(1000);
    for (const id of [customer.id, 'cus_none']) {
      expect(await writeOff(id, { reason: 'None' })).toMatchObject({ status: 409, body: { code: 'nothing_owed' } });
    }
    expect((await writeOff(customer.id, { reason: '' })).status).toBe(400);
    expect((await writeOff(customer.id, { asset: 'ETH', reason: 'Nobody owes gas' })).status).toBe(400);
  });
});
