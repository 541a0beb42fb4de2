import { usd } from '../../src/common/money';
import { booksOf, expectSoundBooks, json, post, query } from '../support/calls';
import { GrantsWorld } from '../support/grants-world';
import { asOwner } from '../support/owner';
import { chat, customerWith, startWorld, type World } from '../support/world';

const DOLLAR = 1_000_000_000n;

describe('a code that gives credit', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld({ JOBS_IN_PROCESS: 'false' });
  });
  afterAll(() => world?.stop());

  const create = (body: object) => post(world, '/admin/promo-codes', world.adminToken, body);
  const redeem = async (key: string, code: string) => {
    const answer = await post(world, '/v1/credits/redeem', key, { code });
    return { status: answer.status, body: await json(answer) };
  };
  const told = async (code: string) => {
    const headers = { authorization: `Bearer ${world.adminToken}` };
    const { data } = await json(await fetch(`${world.url}/admin/promo-codes`, { headers }));
    return data.find((one: { code: string }) => one.code === code);
  };

  it('pays for calls until it ends, and is typed as one likes', async () => {
    const made = await create({ code: 'welcome-2026', amount: '5', cap: 3, expiresDays: 30, validUntil: '2999-01-01' });
    expect([made.status, await json(made)]).toMatchObject([201, { code: 'WELCOME-2026', cap: 3, redeemed: 0 }]);
    const { customerId, key } = await customerWith(world, 0n);

    const { status, body } = await redeem(key, ' Welcome-2026');
    expect([status, body]).toMatchObject([
      200,
      { class: 'promo', origin: 'code', amount: '5', left: '5', priority: 40 },
    ]);
    const [days] = await query(
      world,
      `SELECT round(extract(epoch FROM $1::timestamptz - $2::timestamptz) / 86400)::integer AS days`,
      [body.expiresAt, body.createdAt],
    );
    expect(days).toEqual({ days: 30 });
    expect((await chat(world.url, key, { model: 'flat' })).status).toBe(200);
    expect((await booksOf(world, customerId)).posted).toEqual(usd(5n * DOLLAR - DOLLAR / 10n));
    expect(await told('WELCOME-2026')).toMatchObject({ redeemed: 1 });

    const again = await redeem(key, 'WELCOME-2026');
    expect([again.status, again.body]).toMatchObject([409, { code: 'promo_code_already_redeemed', grantId: body.id }]);
    await expectSoundBooks(world);
  });

  it('is redeemed by ten of fifty customers when they race for it and its cap is ten', async () => {
    const { code } = await json(await create({ amount: '1', cap: 10 }));
    const customers = await Promise.all(Array.from({ length: 50 }, () => customerWith(world, 0n)));

    const answers = await Promise.all(customers.map(({ key }) => redeem(key, code)));

    const outcomes = answers.map(({ status, body }) => (status === 200 ? 'redeemed' : body.code));
    expect(outcomes.filter((outcome) => outcome === 'redeemed')).toHaveLength(10);
    expect(outcomes.filter((outcome) => outcome === 'promo_code_exhausted')).toHaveLength(40);
    const books = await Promise.all(customers.map(({ customerId }) => booksOf(world, customerId)));
    expect(books.filter(({ posted }) => posted.atoms === DOLLAR)).toHaveLength(10);
    expect(books.filter(({ posted }) => posted.atoms === 0n)).toHaveLength(40);
    expect(await told(code)).toMatchObject({ redeemed: 10, cap: 10 });
    await expectSoundBooks(world);
  });

  it('is redeemed once by a customer that races itself twenty times', async () => {
    const { code } = await json(await create({ amount: '1', cap: 1000 }));
    const { customerId, key } = await customerWith(world, 0n);

    const answers = await Promise.all(Array.from({ length: 20 }, () => redeem(key, code)));

    const [won] = answers.filter(({ status }) => status === 200);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const { body } of answers.filter(({ status }) => status !== 200)) {
      expect(body).toMatchObject({ code: 'promo_code_already_redeemed', grantId: won?.body.id });
    }
    expect((await booksOf(world, customerId)).posted).toEqual(usd(DOLLAR));
    expect(await told(code)).toMatchObject({ redeemed: 1 });
    await expectSoundBooks(world);
  });

  it('gives nothing once it has ended, and what it gave stays', async () => {
    const { code } = await json(await create({ amount: '1', cap: 5 }));
    const first = await customerWith(world, 0n);
    const late = await customerWith(world, 0n);
    expect((await redeem(first.key, code)).status).toBe(200);
    const ended = await post(world, `/admin/promo-codes/${code}/end`, world.adminToken, {});
    expect([ended.status, await json(ended)]).toMatchObject([200, { code, endedAt: expect.any(String), redeemed: 1 }]);
    expect((await redeem(late.key, code)).body.code).toBe('promo_code_ended');
    expect((await booksOf(world, first.customerId)).posted).toEqual(usd(DOLLAR));

    const { code: short } = await json(await create({ amount: '1', cap: 5, validUntil: '2999-01-01' }));
    await asOwner(world, ['UPDATE promo_codes SET valid_until = now() WHERE code = $1', [short]]);
    expect((await redeem(late.key, short)).body.code).toBe('promo_code_ended');
    expect((await redeem(late.key, 'NO-SUCH-CODE')).body.code).toBe('promo_code_not_found');
    expect((await redeem(late.key, '??')).body.code).toBe('invalid_request');
    expect((await booksOf(world, late.customerId)).posted).toEqual(usd(0n));
  });

  it('may pay for one model only, and is as little redeemed twice', async () => {
    const made = await json(await create({ amount: '1', cap: 1, models: ['flat'] }));
    expect(made).toMatchObject({ models: ['flat'] });
    const customers = await Promise.all([1, 2, 3].map(() => customerWith(world, 0n)));
    const answers = await Promise.all(customers.flatMap(({ key }) => [redeem(key, made.code), redeem(key, made.code)]));
    const won = answers.findIndex(({ status }) => status === 200);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers[won]?.body).toMatchObject({ models: ['flat'], left: '1', class: 'promo' });

    const { key } = customers[Math.floor(won / 2)] as { key: string };
    expect((await chat(world.url, key)).status).toBe(402);
    expect((await chat(world.url, key, { model: 'flat' })).status).toBe(200);
    const { data } = await json(
      await fetch(`${world.url}/v1/credits/grants`, { headers: { authorization: `Bearer ${key}` } }),
    );
    expect(data).toMatchObject([{ id: answers[won]?.body.id, left: '0.9' }]);
    await expectSoundBooks(world);
  });

  it('is refused, like a gift, to who has twenty grants for some models; ended and used ones make room', async () => {
    const { customerId, key } = await customerWith(world, DOLLAR);
    const { code } = await json(await create({ amount: '1', cap: 1, models: ['flat'] }));
    const give = async (more: object = {}) => {
      const body = { customerId, amount: '0.1', models: ['flat'], reason: 'a trial', ...more };
      const answer = await post(world, '/admin/grants', world.adminToken, body);
      return { status: answer.status, body: await json(answer) };
    };
    const raced = await Promise.all(Array.from({ length: 24 }, () => give()));
    const given = raced.filter(({ status }) => status === 201).map(({ body }) => body.id as string);
    expect(given).toHaveLength(20);
    for (const { body } of raced.filter(({ status }) => status !== 201)) {
      expect(body).toMatchObject({ status: 409, code: 'too_many_scoped_grants', hint: expect.any(String) });
    }

    expect(await redeem(key, code)).toMatchObject({ status: 409, body: { code: 'too_many_scoped_grants' } });
    expect(await told(code)).toMatchObject({ redeemed: 0 });
    expect((await give({ models: undefined })).status).toBe(201);
    // One ends before anybody has booked it, one is used up.
    const grants = new GrantsWorld(world);
    await grants.end(given[0] as string);
    expect((await chat(world.url, key, { model: 'flat' })).status).toBe(200);
    expect((await redeem(key, code)).status).toBe(200);
    expect((await give()).status).toBe(201);
    expect((await give()).status).toBe(409);
    const [row] = await query(world, 'SELECT scoped_grants FROM customers WHERE id = $1', [customerId]);
    expect(row.scoped_grants).toHaveLength(20);
    await expectSoundBooks(world);
  });

  it('is made by the operator alone, once', async () => {
    const { key } = await customerWith(world, 0n);
    expect((await post(world, '/admin/promo-codes', key, { amount: '1', cap: 1 })).status).toBe(403);
    const codes = await Promise.all([1, 2, 3].map(() => create({ code: 'ONLY-ONE-OF-IT', amount: '1', cap: 1 })));
    const answers = await Promise.all(codes.map(json));
    expect(codes.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409, 409]);
    expect(answers.filter(({ code }) => code === 'promo_code_exists')).toHaveLength(2);
    const refused = await Promise.all(
      [{ amount: '1' }, { amount: '0', cap: 1 }, { amount: '1', cap: 0 }, { amount: '1', cap: 1, code: 'short' }].map(
        async (body) => (await json(await create(body))).code,
      ),
    );
    expect(refused).toEqual(['invalid_request', 'invalid_request', 'invalid_request', 'invalid_request']);
  });
});
