import { prefixedId } from '../../src/common/id';
import { usd } from '../../src/common/money';
import type { NewGrant } from '../../src/credits/grant';
import { topUpReceived } from '../../src/ledger/entries';
import type { LedgerHold } from '../../src/ledger/ledger.service';
import { startTestApp, type TestApp } from '../support/app';
import { booksOf, expectSoundBooks } from '../support/calls';
import { GrantsWorld } from '../support/grants-world';

let app: TestApp;
let world: GrantsWorld;

beforeAll(async () => {
  app = await startTestApp({ JOBS_IN_PROCESS: 'false' });
  world = new GrantsWorld(app);
});
afterAll(() => app?.stop());

test('what was given goes first, then what expires sooner, then what is older', async () => {
  const customerId = prefixedId('cus');
  const inDays = (days: number) => new Date(Date.now() + days * 86_400_000);
  const order = [
    await world.give(customerId, 10n),
    await world.give(customerId, 10n),
    await world.give(customerId, 10n, { expiresAt: inDays(20) }),
    await world.give(customerId, 10n, { expiresAt: inDays(10) }),
    await world.give(customerId, 10n, { class: 'promo' }),
    await world.give(customerId, 10n, { priority: 1 }),
  ];
  const [old, young, later, soon, promo, urgent] = order;
  const expected = [urgent, promo, soon, later, old, young];
  for (let used = 5n; used <= 60n; used += 5n) {
    await world.use(customerId, 5n);
    const remaining = await Promise.all(expected.map((id) => world.left(id as string)));
    const full = 60n - used;
    expect(remaining).toEqual(
      expected.map((_, index) => {
        const behind = BigInt(expected.length - 1 - index) * 10n;
        return full <= behind ? 0n : full - behind > 10n ? 10n : full - behind;
      }),
    );
  }
  await expectSoundBooks(app);
});

test('a grant that comes later does not change what was used before it', async () => {
  const customerId = prefixedId('cus');
  const paid = await world.give(customerId, 10n);
  await world.use(customerId, 4n);
  const promo = await world.give(customerId, 10n, { class: 'promo' });
  await world.use(customerId, 3n);
  expect([await world.left(paid), await world.left(promo)]).toEqual([6n, 7n]);
  await expectSoundBooks(app);
});

test('a debt is repaid by what comes in, and a payment that is told of twice is one grant', async () => {
  const customerId = prefixedId('cus');
  const first = await world.give(customerId, 10n);
  const hold = await world.hold(customerId, 1n);
  await world.capture(hold as LedgerHold, 25n);
  const second = await world.give(customerId, 10n);
  expect([await world.left(first), await world.left(second)]).toEqual([0n, 0n]);
  expect((await booksOf(app, customerId)).owed).toBe(5n);

  const id = prefixedId('top');
  const entry = topUpReceived({ topUpId: id, customerId, gross: usd(8n), fee: usd(0n), paymentIntentId: id });
  const grant: NewGrant = { class: 'paid', origin: 'topup', originId: id, amount: usd(8n) };
  const credit = { customerId, grants: [grant] };
  const copies = await Promise.all(
    [1, 2, 3].map(() => world.transaction((tx) => world.grants.arrive(tx, entry, credit))),
  );
  const [third] = copies.flatMap(({ grantIds }) => grantIds);
  expect(copies.filter(({ replayed }) => replayed)).toHaveLength(2);
  expect(await world.left(third as string)).toBe(3n);
  expect(await booksOf(app, customerId)).toMatchObject({ posted: usd(3n), owed: 0n, frozen: false });
  await expectSoundBooks(app);
});
