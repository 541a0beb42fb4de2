import { newId, prefixedId } from '../../src/common/id';
import { usd } from '../../src/common/money';
import { GrantExpiry } from '../../src/credits/grant-expiry.service';
import { customerCredits, stripeDisputed } from '../../src/ledger/ledger-account';
import type { LedgerHold } from '../../src/ledger/ledger.service';
import { booksOf, expectSoundBooks, json, query } from '../support/calls';
import { GrantsWorld } from '../support/grants-world';
import { chat, customerWith, startWorld, type World } from '../support/world';

const DOLLAR = 1_000_000_000n;

describe('credit that has expired', () => {
  let world: World;
  let grants: GrantsWorld;

  beforeAll(async () => {
    world = await startWorld({ JOBS_IN_PROCESS: 'false' });
    grants = new GrantsWorld(world);
  });
  afterAll(() => world?.stop());

  const expiries = (customerId: string) =>
    query(
      world,
      `SELECT debit.customer_id, credit.code, atoms, key, effective_at < posted_at AS back_dated FROM postings
         JOIN ledger_accounts debit ON debit.id = debit_account_id JOIN ledger_accounts credit ON credit.id = credit_account_id
        WHERE kind = 'grant_expired' AND debit.customer_id = $1 ORDER BY entry_id`,
      [customerId],
    );

  it('pays for no call, though nothing but the call itself looks at the clock', async () => {
    const { customerId, key } = await customerWith(world, 0n);
    const promo = await grants.give(customerId, DOLLAR, { class: 'promo', expiresAt: new Date(Date.now() - 1) });

    const refused = await chat(world.url, key, { model: 'flat' });

    expect([refused.status, (await json(refused)).code]).toEqual([402, 'insufficient_credit']);
    expect(await expiries(customerId)).toMatchObject([{ code: 'expense:promo', atoms: DOLLAR, back_dated: true }]);
    expect(await grants.left(promo)).toBe(0n);
    await expectSoundBooks(world);
  });

  it('is breakage when it was paid for, and what is left pays for the call', async () => {
    const { customerId, key } = await customerWith(world, DOLLAR);
    const short = await grants.give(customerId, 2n * DOLLAR, { expiresAt: new Date(Date.now() + 60_000) });
    await grants.use(customerId, DOLLAR / 2n);
    await grants.end(short);

    expect((await chat(world.url, key, { model: 'flat' })).status).toBe(200);

    expect(await expiries(customerId)).toMatchObject([{ code: 'revenue:breakage', atoms: (3n * DOLLAR) / 2n }]);
    expect((await booksOf(world, customerId)).posted).toEqual(usd(DOLLAR - 100_000_000n));
    await expectSoundBooks(world);
  });

  it('may still be used by a call that was let in before; what that gives back ends with the next', async () => {
    const { customerId } = await customerWith(world, 0n);
    const grant = await grants.give(customerId, 10n);
    const [used, returned] = [await grants.hold(customerId, 4n), await grants.hold(customerId, 3n)];
    await grants.end(grant);

    expect(await grants.hold(customerId, 1n)).toBeUndefined();
    expect((await expiries(customerId)).map(({ atoms }) => atoms)).toEqual([3n]);
    await grants.capture(used as LedgerHold);
    await grants.ledger.release(returned as LedgerHold);
    await grants.end(grant);
    expect(await grants.hold(customerId, 1n)).toBeUndefined();

    expect(await expiries(customerId)).toMatchObject([
      { atoms: 3n, key: `grant-expired:${grant}:0` },
      { atoms: 3n, key: `grant-expired:${grant}:1` },
    ]);
    expect((await booksOf(world, customerId)).posted).toEqual(usd(0n));
    await expectSoundBooks(world);
  });

  it('ends as well when it was frozen for a dispute that took only a part of it', async () => {
    const { customerId } = await customerWith(world, 0n);
    const grant = await grants.give(customerId, 10n);
    const holdId = newId();
    await grants.transaction((tx) => grants.frozen.freeze(tx, [grant], holdId));
    await grants.end(grant);
    expect(await grants.hold(customerId, 1n)).toBeUndefined();
    const posting = { from: customerCredits(customerId, 'USD'), to: stripeDisputed(), amount: usd(4n) };
    const lost = { key: `lost:${holdId}`, kind: 'test_lost', customerId, postings: [posting] };
    const taken = await grants.transaction((tx) =>
      grants.grants.take(tx, lost, { grantIds: [grant], amount: usd(4n), frozenBy: holdId }),
    );
    expect(taken).toMatchObject({ kind: 'taken', fromGrants: usd(4n), owed: usd(0n) });

    expect(await grants.hold(customerId, 1n)).toBeUndefined();

    expect((await expiries(customerId)).map(({ atoms }) => atoms)).toEqual([6n]);
    expect((await booksOf(world, customerId)).posted).toEqual(usd(0n));
    await expectSoundBooks(world);
  });

  it('is never shown as a balance, and the schedule books it for those who do not come', async () => {
    const { customerId, key } = await customerWith(world, DOLLAR);
    await grants.give(customerId, DOLLAR, { expiresAt: new Date(Date.now() - 1) });
    const balance = await fetch(`${world.url}/v1/balance`, { headers: { authorization: `Bearer ${key}` } });
    expect(await json(balance)).toMatchObject({ available: '1', posted: '1' });

    const idle = prefixedId('cus');
    await grants.give(idle, 5n, { expiresAt: new Date(Date.now() - 1) });
    expect(await world.app.get(GrantExpiry, { strict: false }).settleAll()).toBe(1);
    expect((await booksOf(world, idle)).posted).toEqual(usd(0n));
    await expectSoundBooks(world);
  });

  it('refuses none of a hundred calls at once for which there is other credit, and is booked once', async () => {
    const { customerId } = await customerWith(world, 100n);
    await grants.give(customerId, 50n, { class: 'promo', expiresAt: new Date(Date.now() - 1) });

    const holds = await Promise.all(Array.from({ length: 101 }, () => grants.hold(customerId, 1n)));

    expect(holds.filter(Boolean)).toHaveLength(100);
    expect(await expiries(customerId)).toHaveLength(1);
    await Promise.all(holds.flatMap((hold) => (hold ? [grants.capture(hold)] : [])));
    await expectSoundBooks(world);
  });
});
