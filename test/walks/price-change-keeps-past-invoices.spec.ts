import { PricingService } from '../../src/pricing/pricing.service';
import { startAppOn, type TestApp } from '../support/app';
import { booksOf, expectSoundBooks, invoicesOf, json, until } from '../support/calls';
import { chat, customerWith, startWorld, type World } from '../support/world';

describe('a price that changes', () => {
  let world: World;
  let replica: TestApp;

  beforeAll(async () => {
    world = await startWorld();
    replica = await startAppOn({ url: world.databaseUrl }, { UPSTREAM_URL: world.upstream.url });
  });
  afterAll(async () => {
    await replica?.stop();
    await world?.stop();
  });

  const cost = async (key: string, url = world.url, behave = ''): Promise<string | null> => {
    const headers: Record<string, string> = behave === '' ? {} : { 'x-upstream-behave': behave };
    return (await chat(url, key, { model: 'flat' }, headers)).headers.get('x-tollbridge-cost');
  };
  const versionAt = async (url: string): Promise<number> =>
    (await json(await fetch(`${url}/v1/models`))).data.find((model: any) => model.id === 'flat').price.version;

  it('takes effect at its instant, on every replica; what was quoted before and invoiced before stays', async () => {
    const pricing = world.app.get(PricingService, { strict: false });
    const { key, customerId } = await customerWith(world, 10_000_000_000n);
    expect(await cost(key)).toBe('0.1');

    const instant = new Date(Date.now() + 2500);
    await pricing.addPrice('flat', { perRequestNano: 250_000_000n }, instant);
    expect(await versionAt(world.url)).toBe(1);
    // A call that was quoted before the instant and is answered behind it costs what it was quoted.
    const early = cost(key, world.url, 'slow=4000');
    expect(await cost(key)).toBe('0.1');

    await until(
      () => Promise.all([versionAt(world.url), versionAt(replica.url)]),
      ([here, there]) => here === 2 && there === 2,
    );
    expect(Date.now()).toBeGreaterThanOrEqual(instant.getTime());
    expect(await cost(key)).toBe('0.25');
    expect(await cost(key, replica.url)).toBe('0.25');
    expect(await early).toBe('0.1');

    const invoices = await invoicesOf(world, customerId);
    const told = invoices.map(({ price_version, atoms, lines }) => [price_version, atoms, lines[0].unitPriceNano]);
    expect(told.toSorted(([a], [b]) => a - b)).toEqual([
      [1, 100_000_000n, '100000000'],
      [1, 100_000_000n, '100000000'],
      [1, 100_000_000n, '100000000'],
      [2, 250_000_000n, '250000000'],
      [2, 250_000_000n, '250000000'],
    ]);
    expect((await booksOf(world, customerId)).posted.atoms).toBe(10_000_000_000n - 800_000_000n);
    expect((await pricing.history('flat')).map(({ version }) => version)).toEqual([2, 1]);
    await expectSoundBooks(world);
  });
});
