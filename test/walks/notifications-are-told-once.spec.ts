import { NotificationsService } from '../../src/customers/notifications.service';
import { type CardWorld, startCardWorld } from '../support/card-world';

describe('notifications', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await startCardWorld();
  });
  afterAll(() => world?.stop());

  const tell = (customerId: string | null, key: string, n = 1) =>
    world.database.transaction((tx) =>
      world.app.app
        .get(NotificationsService, { strict: false })
        .add(tx, { customerId, kind: 'low_balance', key, data: { n }, url: 'https://tollbridge.example/' }),
    );

  it('are told once per key, to whom they concern, until they are read', async () => {
    const [acme, other] = [await world.customer(), await world.customer()];
    await Promise.all([1, 2, 3].map((n) => tell(acme.customer.id, 'one fact', n)));
    await tell(acme.customer.id, 'another fact');
    const { body } = await world.ask(acme.key, '/v1/notifications?limit=1');
    expect(body).toMatchObject({ hasMore: true, data: [{ kind: 'low_balance', data: { n: 1 }, readAt: null }] });
    const rest = await world.ask(acme.key, `/v1/notifications?before=${body.data[0].id}`);
    expect(rest.body).toMatchObject({ hasMore: false, data: [{ customerId: acme.customer.id }] });
    expect(rest.body.data).toHaveLength(1);

    expect((await world.ask(other.key, '/v1/notifications')).body.data).toEqual([]);
    const path = `/v1/notifications/${body.data[0].id}/read`;
    expect(await world.ask(other.key, path, {})).toMatchObject({
      status: 404,
      body: { code: 'notification_not_found' },
    });
    const read = await world.ask(acme.key, path, {});
    expect(read.body.readAt).toEqual(expect.any(String));
    expect((await world.ask(acme.key, path, {})).body).toEqual(read.body);
  });

  it('for the operator are its own, and it may look at those of a customer', async () => {
    const { customer, key } = await world.customer();
    await tell(customer.id, 'for the customer');
    await tell(null, 'for the operator');
    const own = await world.ask(world.app.adminToken, '/v1/notifications');
    expect(own.body.data).toMatchObject([{ customerId: null }]);
    const theirs = await world.ask(world.app.adminToken, `/v1/notifications?customerId=${customer.id}`);
    expect(theirs.body.data).toMatchObject([{ customerId: customer.id }]);
    expect((await world.ask(key, '/v1/notifications?customerId=cus_other')).status).toBe(403);
    expect((await world.ask(key, '/v1/notifications?limit=0')).status).toBe(400);
  });

  it('need a key with the scope billing', async () => {
    const { key } = await world.customer(['inference']);
    expect((await world.ask(key, '/v1/notifications')).status).toBe(403);
  });
});
