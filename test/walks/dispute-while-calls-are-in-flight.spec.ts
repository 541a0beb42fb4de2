import { GrantsWorld } from '../support/grants-world';
import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';
import { seedPrices } from '../support/world';

const DOLLAR = 1_000_000_000n;

describe('a dispute while calls are in flight', () => {
  let world: PaybackWorld;
  let grants: GrantsWorld;

  beforeAll(async () => {
    world = await startPaybackWorld();
    grants = new GrantsWorld(world.app);
    await seedPrices(world.app);
  });
  afterAll(() => world?.stop());
  afterEach(() => concludePayback(world));

  const held = async (customerId: string, dollars: bigint) => {
    const hold = await grants.hold(customerId, dollars * DOLLAR);
    if (!hold) throw new Error('no hold');
    return hold;
  };
  /** As six seconds do. */
  const later = async () => {
    await world.database.query(`UPDATE jobs SET run_at = now() WHERE name = 'freeze-rest' AND finished_at IS NULL`);
    await world.settled();
  };

  it('freezes what they gave back once they have ended, and what arrives meanwhile stays usable', async () => {
    const { customer, key, topUp, charge } = await world.paid(5000);
    const [whole, part] = [await held(customer.id, 20n), await held(customer.id, 10n)];
    const { id } = await world.press(`charges/${charge}/dispute`);
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ posted: '50', available: '0' });
    await grants.ledger.release(whole);
    await grants.capture(part, 4n * DOLLAR);
    expect(await world.balance(key)).toMatchObject({ posted: '46', available: '26' });
    await later();
    expect(await world.balance(key)).toMatchObject({ posted: '46', available: '0' });
    await world.paidAgain({ customer, key }, 1000);
    expect(await world.balance(key)).toMatchObject({ posted: '56', available: '10' });
    await world.press(`disputes/${id}/close`, { outcome: 'won' });
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ posted: '56', available: '56' });
    expect(await world.left(topUp)).toBe('46');
  });

  it('leaves the end of credit alone that ended meanwhile: its thirty days are told from the end of the dispute', async () => {
    const { customer, key, topUp, charge } = await world.paid(5000);
    const whole = await held(customer.id, 20n);
    const { id } = await world.press(`charges/${charge}/dispute`);
    await world.settled();
    const [grant = ''] = await grants.grantsOf(customer.id);
    await grants.end(grant);
    const endOf = async () => {
      const sql = 'SELECT expires_at AS at, now() AS now FROM credit_grants WHERE id = $1';
      const [row] = (await world.database.query<{ at: Date; now: Date }>(sql, [grant])) as [{ at: Date; now: Date }];
      return row;
    };
    const { at } = await endOf();
    await grants.ledger.release(whole);
    await later();
    // What was not frozen when it ended has expired; the rest waits with the dispute.
    expect(await world.balance(key)).toMatchObject({ posted: '30', available: '0' });
    expect((await endOf()).at).toEqual(at);

    await world.press(`disputes/${id}/close`, { outcome: 'won' });
    await world.settled();

    expect(await world.balance(key)).toMatchObject({ posted: '30', available: '30' });
    expect(await world.left(topUp)).toBe('30');
    const after = await endOf();
    expect((after.at.getTime() - after.now.getTime()) / 86_400_000).toBeGreaterThan(29);
  });

  it('that was lost says why calls are refused, also when such a call cost more than was there', async () => {
    const { customer, key, charge } = await world.paid(5000);
    const hold = await held(customer.id, 10n);
    const { id } = await world.press(`charges/${charge}/dispute`);
    await world.settled();
    await world.press(`disputes/${id}/close`, { outcome: 'lost' });
    await world.settled();
    await grants.capture(hold, 13n * DOLLAR);
    expect(await world.balance(key)).toMatchObject({ available: '0', owed: '13', frozen: true });
    const refusal = async () => {
      const call = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 10 };
      const { body } = await world.ask(key, '/v1/chat/completions', call);
      return [body.code, body.owed];
    };
    expect(await refusal()).toEqual(['payment_disputed', '13']);
    // What was owed first, to the bank, is repaid first: then the overrun of the call is what is left.
    await world.paidAgain({ customer, key }, 1000);
    expect(await refusal()).toEqual(['credit_owed', undefined]);
    await world.paidAgain({ customer, key }, 500);
    expect(await world.balance(key)).toMatchObject({ available: '2', owed: '0', frozen: false });
  });

  it('and a refund that Stripe will not begin for it: what comes back waits like the rest', async () => {
    const { key, topUp, charge } = await world.paid(5000);
    await world.press('webhooks', { paused: true });
    const { id } = await world.press(`charges/${charge}/dispute`);
    // Off the credit before the dispute is known here: nothing is left that could be frozen.
    const asked = world.ask(world.app.adminToken, `/admin/topups/${topUp}/refunds`, {});
    expect((await asked).status).toBe(201);
    await world.press('webhooks', { paused: false });
    await world.settled();
    expect(await world.refunds(key)).toMatchObject([{ state: 'rejected', amount: '50' }]);
    expect(await world.balance(key)).toMatchObject({ posted: '50', available: '0' });
    await world.press(`disputes/${id}/close`, { outcome: 'lost' });
    await world.settled();
    expect(await world.balance(key)).toMatchObject({ posted: '0', owed: '0' });
  });

  it('a refund, a dispute, calls and webhooks at once: what went back is counted once', async () => {
    const { customer, key, topUp, charge } = await world.paid(10_000);
    const [{ id }] = await Promise.all([
      world.press(`charges/${charge}/dispute`, { amount: 4000 }),
      ...[1000, 2000, 3000].map((amountCents) =>
        world.ask(world.app.adminToken, `/admin/topups/${topUp}/refunds`, { amountCents }),
      ),
      ...Array.from({ length: 8 }, () => grants.use(customer.id, DOLLAR)),
    ]);
    await world.settled();
    await later();
    await world.press(`disputes/${id}/close`, { outcome: 'lost' });
    await world.settled();
    const refunds = await world.refunds(key);
    const refunded = refunds.filter(({ state }) => state === 'succeeded').reduce((sum, { amount }) => sum + +amount, 0);
    const { posted, owed } = await world.balance(key);
    const [{ used }] = (await world.database.query<{ used: bigint }>(
      `SELECT (sum(atoms) / ${DOLLAR})::bigint AS used FROM postings WHERE kind = 'call_captured' AND customer_id = $1`,
      [customer.id],
    )) as [{ used: bigint }];
    expect(+posted - +owed).toBe(100 - 40 - refunded - Number(used));
  });
});
