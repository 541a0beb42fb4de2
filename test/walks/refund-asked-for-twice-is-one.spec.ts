import type { Json } from '../support/card-world';
import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';

/** The answer to a refund was lost, and it was asked for again. */
describe('a refund with an Idempotency-Key', () => {
  let world: PaybackWorld;

  beforeAll(async () => {
    world = await startPaybackWorld();
  });
  afterAll(() => world?.stop());
  afterEach(() => concludePayback(world));

  const ask = async (topUp: string, body: Json, key: string): Promise<{ status: number; body: Json }> => {
    const answer = await fetch(`${world.app.url}/admin/topups/${topUp}/refunds`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${world.app.adminToken}`,
        'content-type': 'application/json',
        'idempotency-key': key,
      },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: await answer.json() };
  };

  it('is one, however often and however many at once ask for it', async () => {
    const { key, topUp, intent } = await world.paid(10_000);
    const copies = await Promise.all(Array.from({ length: 10 }, () => ask(topUp, { amountCents: 3000 }, 'once')));
    await world.settled();
    const later = await ask(topUp, { amountCents: 3000 }, 'once');
    expect([...copies, later].map(({ status }) => status)).toEqual(Array(11).fill(201));
    expect(new Set([...copies, later].map(({ body }) => body.id)).size).toBe(1);
    expect(later.body.state).toBe('succeeded');
    expect(await world.balance(key)).toMatchObject({ posted: '70' });
    expect((await world.stripe.refunds.list({ payment_intent: intent })).data).toMatchObject([{ amount: 3000 }]);
    // Without it, the same request is another refund.
    expect((await world.refund(topUp, { amountCents: 3000 })).status).toBe(201);
    expect(await world.balance(key)).toMatchObject({ posted: '40' });
  });

  it('whose key was used for something else is refused, also when both come at once', async () => {
    const [first, second] = [await world.paid(5000), await world.paid(5000)];
    expect((await ask(first.topUp, { amountCents: 100 }, 'mine')).status).toBe(201);
    for (const [topUp, body] of [
      [first.topUp, { amountCents: 200 }],
      [first.topUp, { amountCents: 100, force: true }],
      [second.topUp, { amountCents: 100 }],
    ] as const) {
      expect(await ask(topUp, body, 'mine')).toMatchObject({ status: 409, body: { code: 'idempotency_conflict' } });
    }
    const both = await Promise.all([first, second].map(({ topUp }) => ask(topUp, { amountCents: 100 }, 'both')));
    await world.settled();
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409]);
    expect((await ask(first.topUp, {}, 'not a key')).body.code).toBe('invalid_idempotency_key');
  });
});
