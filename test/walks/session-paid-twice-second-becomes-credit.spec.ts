import { type CardWorld, conclude, startCardWorld } from '../support/card-world';

/** TC-19: a checkout completes for something that is settled already. Nothing of it is lost, or counted as nothing. */
describe('a session that is paid twice', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await startCardWorld();
  });
  afterAll(() => world?.stop());

  it.each([
    { duplicate: 0, shuffle: false },
    { duplicate: 3, shuffle: true },
  ])('is credit the second time, too, delivered with %j', async (delivery) => {
    await world.press('webhooks', delivery);
    const { customer, key } = await world.customer();
    const { id, session } = await world.topUp(key, 1000);
    await world.press(`checkout/${session}/pay`);
    const again = await world.press(`checkout/${session}/pay_again`, {});
    expect(again.session.id).not.toBe(session);
    await world.delivered();
    expect((await world.ask(key, '/v1/balance')).body.available).toBe('20');
    const { body } = await world.ask(key, '/v1/topups');
    expect(body.data).toMatchObject([{ id, state: 'paid', amount: '10', paid: '20' }]);
    const grants = await world.database.query(
      'SELECT origin, atoms FROM credit_grants WHERE customer_id = $1 ORDER BY origin',
      [customer.id],
    );
    expect(grants).toEqual([
      { origin: 'extra', atoms: 10_000_000_000n },
      { origin: 'topup', atoms: 10_000_000_000n },
    ]);
    await conclude(world);
  });
});
