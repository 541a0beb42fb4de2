import { type CardWorld, conclude, type Json, startCardWorld } from '../support/card-world';

describe('a card', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await startCardWorld();
  });
  afterAll(() => world?.stop());

  const cards = async (key: string): Promise<Json[]> => (await world.ask(key, '/v1/cards')).body.data;
  const remove = (key: string, id: string) =>
    fetch(`${world.app.url}/v1/cards/${id}`, { method: 'DELETE', headers: { authorization: `Bearer ${key}` } });

  it('is saved with a top-up or on a page of its own, chosen, and removed', async () => {
    const { key } = await world.customer();
    const paid = await world.ask(key, '/v1/topups', { amountCents: 1000, saveCard: true });
    await world.press(`checkout/${paid.body.url.split('/').pop()}/pay`);
    await world.delivered();
    expect(await cards(key)).toEqual([
      {
        id: expect.stringMatching(/^pm_/),
        brand: 'visa',
        last4: '4242',
        expiresMonth: expect.any(Number),
        expiresYear: expect.any(Number),
        isDefault: true,
      },
    ]);
    const { url } = (await world.ask(key, '/v1/cards/setup', {})).body;
    await world.press(`checkout/${url.split('/').pop()}/pay`, { card: '5555555555554444' });
    await world.delivered();
    const [newest, oldest] = await cards(key);
    expect([newest.last4, oldest.last4]).toEqual(['4444', '4242']);
    expect((await world.ask(key, `/v1/cards/${oldest.id}/default`, {})).body).toMatchObject({ isDefault: true });
    expect((await cards(key)).map(({ isDefault }) => isDefault)).toEqual([false, true]);
    expect((await remove(key, oldest.id)).status).toBe(204);
    expect(await cards(key)).toEqual([{ ...newest, isDefault: true }]);
    await conclude(world);
  });

  it('of another customer cannot be seen, chosen or removed', async () => {
    const [owner, other] = [await world.customer(), await world.customer()];
    const paid = await world.ask(owner.key, '/v1/topups', { amountCents: 1000, saveCard: true });
    await world.press(`checkout/${paid.body.url.split('/').pop()}/pay`);
    await world.delivered();
    const [card] = await cards(owner.key);
    expect(await cards(other.key)).toEqual([]);
    expect(await world.ask(other.key, `/v1/cards/${card.id}/default`, {})).toMatchObject({
      status: 404,
      body: { code: 'card_not_found' },
    });
    expect((await remove(other.key, card.id)).status).toBe(404);
    expect(await cards(owner.key)).toHaveLength(1);
  });

  it('is not kept without being asked to', async () => {
    const { key } = await world.customer();
    const { session } = await world.topUp(key, 1000);
    await world.press(`checkout/${session}/pay`);
    await world.delivered();
    expect(await cards(key)).toEqual([]);
  });
});
