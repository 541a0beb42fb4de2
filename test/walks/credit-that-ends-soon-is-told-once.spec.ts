import { EndingCredit } from '../../src/credits/ending-credit.service';
import { expectSoundBooks, json } from '../support/calls';
import { GrantsWorld } from '../support/grants-world';
import { customerWith, startWorld, type World } from '../support/world';

const DOLLAR = 1_000_000_000n;
const A_DAY_MS = 86_400_000;

describe('a customer whose credit ends', () => {
  let world: World;
  let grants: GrantsWorld;

  beforeAll(async () => {
    world = await startWorld({ JOBS_IN_PROCESS: 'false' });
    grants = new GrantsWorld(world);
  });
  afterAll(() => world?.stop());

  const tell = () => world.app.get(EndingCredit, { strict: false }).tell();
  const told = async (key: string): Promise<object[]> => {
    const headers = { authorization: `Bearer ${key}` };
    const { data } = await json(await fetch(`${world.url}/v1/notifications`, { headers }));
    return data
      .filter(({ kind }: { kind: string }) => kind === 'credit_ends_soon')
      .map((one: { data: object }) => one.data);
  };
  const inDays = (days: number) => new Date(Date.now() + days * A_DAY_MS);

  it('is told a week before, once for each grant, what of it is left', async () => {
    const { customerId, key } = await customerWith(world, DOLLAR);
    const soon = inDays(6.9);
    const ending = await grants.give(customerId, 2n * DOLLAR, { class: 'promo', expiresAt: soon });
    await grants.give(customerId, 2n * DOLLAR, { expiresAt: inDays(7.1) });
    await grants.use(customerId, DOLLAR / 2n);

    expect(await tell()).toBe(1);
    expect(await tell()).toBe(0);

    expect(await told(key)).toEqual([
      { grantId: ending, class: 'promo', left: '1.5', currency: 'USD', endsAt: soon.toISOString() },
    ]);
    await expectSoundBooks(world);
  });

  it('is not told of what is used up already, nor of what has ended', async () => {
    const { customerId, key } = await customerWith(world, 0n);
    await grants.give(customerId, DOLLAR, { class: 'promo', expiresAt: inDays(1) });
    await grants.use(customerId, DOLLAR);
    await grants.give(customerId, DOLLAR, { class: 'promo', expiresAt: inDays(-1) });

    expect(await tell()).toBe(0);
    expect(await told(key)).toEqual([]);
    await expectSoundBooks(world);
  });

  it('is told of each, however many end', async () => {
    const { customerId, key } = await customerWith(world, 0n);
    for (let n = 0; n < 250; n++) await grants.give(customerId, 1n, { expiresAt: inDays(2) });
    expect(await tell()).toBe(250);
    expect(await tell()).toBe(0);
    expect(await told(key)).not.toEqual([]);
  });
});
