import {
  booksOf,
  costOf,
  decimal,
  eventsOf,
  expectSoundBooks,
  invoicesOf,
  json,
  lastCall,
  until,
  usageOf,
} from '../support/calls';
import { PricingService } from '../../src/pricing/pricing.service';
import { chat, customerWith, startWorld, type World } from '../support/world';

const OUTPUT = 600_000_000n;

/** A provider that reports more than was held is never swallowed, and never drives a balance below zero (TC-09). */
describe('a capture above its hold', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld();
    // The model gives more than its configuration says.
    const pricing = world.app.get(PricingService, { strict: false });
    const leaky = { ...pricing.modelFor('flat', '/v1/chat/completions'), id: 'leaky', maxOutputTokens: 10 };
    await pricing.putModel(leaky);
    await pricing.addPrice('leaky', { outputNanoPerMillion: OUTPUT }, new Date(0));
  });
  afterAll(() => world?.stop());

  const leak = (key: string, tokens: number, more: object = {}) =>
    chat(
      world.url,
      key,
      { model: 'leaky', max_tokens: undefined, ...more },
      { 'x-upstream-behave': `tokens=${tokens}` },
    );

  it('takes the whole charge where the balance bears it', async () => {
    const { key, customerId } = await customerWith(world, 1_000_000_000n);
    const response = await leak(key, 500);
    const atoms = costOf([500, OUTPUT]);
    expect(response.headers.get('x-tollbridge-cost')).toBe(decimal(atoms));
    const [usage] = await usageOf(world, customerId);
    expect(usage.atoms).toBe(atoms);
    expect(usage.held_atoms).toBe(costOf([10, OUTPUT]));
    const { posted, held, owed, frozen } = await booksOf(world, customerId);
    expect([posted.atoms, held.atoms, owed, frozen]).toEqual([1_000_000_000n - atoms, 0n, 0n, false]);
    await expectSoundBooks(world);
  });

  it.each([false, true])('takes the balance to zero and writes down the rest as owed (stream: %s)', async (stream) => {
    const { key, customerId } = await customerWith(world, 100_000n);
    const response = await leak(key, 500, { stream, stream_options: stream ? { include_usage: true } : undefined });
    expect(response.status).toBe(200);
    const atoms = costOf([500, OUTPUT]);
    const cost = stream ? eventsOf(await response.text()).at(-2).usage.cost : (await json(response)).usage.cost;
    expect(cost).toBe(decimal(atoms));
    const { posted, held, owed, frozen } = await booksOf(world, customerId);
    expect([posted.atoms, held.atoms, owed, frozen]).toEqual([0n, 0n, atoms - 100_000n, true]);
    // The invoice is the whole charge: revenue is what was used, not what was there.
    expect((await invoicesOf(world, customerId))[0]).toMatchObject({ atoms, balance_after: 0n });
    const next = await chat(world.url, key);
    expect([next.status, (await json(next)).code]).toEqual([402, 'credit_owed']);
    await expectSoundBooks(world);
  });

  it('leaves alone what other calls hold: they are paid, the overrun is owed', async () => {
    const { key, customerId } = await customerWith(world, 100_100_000n);
    const slow = chat(world.url, key, { model: 'flat' }, { 'x-upstream-behave': 'slow=1000' });
    await until(
      async () => (await booksOf(world, customerId)).held.atoms,
      (atoms) => atoms === 100_000_000n,
    );
    await leak(key, 1000);
    const during = await booksOf(world, customerId);
    expect(during.held.atoms).toBe(100_000_000n);
    expect(during.available.atoms).toBe(0n);
    expect(during.owed).toBe(costOf([1000, OUTPUT]) - 100_000n);
    expect((await slow).status).toBe(200);
    const after = await booksOf(world, customerId);
    expect([after.posted.atoms, after.held.atoms, after.owed]).toEqual([0n, 0n, during.owed]);
    await expectSoundBooks(world);
  });

  it('believes no report that no call can use', async () => {
    const { key, customerId } = await customerWith(world, 1_000_000_000n);
    await leak(key, 20);
    expect(lastCall(world).usage).toMatchObject({ completion_tokens: 20 });
    expect((await booksOf(world, customerId)).posted.atoms).toBe(1_000_000_000n - costOf([20, OUTPUT]));
  });
});
