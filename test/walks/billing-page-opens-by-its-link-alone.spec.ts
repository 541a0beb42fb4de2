import { createHash } from 'node:crypto';
import { LOCAL_SECRETS } from '../../src/config/config';
import { CustomersService } from '../../src/customers/customers.service';
import { sealLink } from '../../src/customers/page-link';
import { conclude } from '../support/card-world';
import { type ReloadWorld, type Saver, startReloadWorld } from '../support/reload-world';

describe('the billing page', () => {
  let world: ReloadWorld;

  beforeAll(async () => {
    world = await startReloadWorld();
  });
  afterAll(() => world?.stop());

  /** The page's address at this server, which its public name leads to. */
  const pageOf = async (key: string): Promise<string> => {
    const { status, body } = await world.ask(key, '/v1/billing-links', {});
    expect(status).toBe(201);
    expect(body.url).toMatch(/^https:\/\/tollbridge\.example\/billing\//);
    const minutes = (new Date(body.expiresAt).getTime() - Date.now()) / 60_000;
    expect([minutes > 14, minutes <= 15]).toEqual([true, true]);
    return `${world.app.url}${new URL(body.url).pathname}`;
  };
  const open = (url: string) => fetch(url, { redirect: 'manual' });
  const send = (url: string, form: Record<string, string> = {}) =>
    fetch(url, { method: 'POST', body: new URLSearchParams(form), redirect: 'manual' });
  const cardsOf = async ({ key }: Saver) => (await world.ask(key, '/v1/cards')).body.data;

  it('runs nothing, is kept by nobody, and tells its address to nobody', async () => {
    const customer = await world.app.app.get(CustomersService).create('<script>alert(1)</script> & "Sons"');
    const { body } = await world.ask(world.app.adminToken, '/v1/billing-links', { customerId: customer.id });
    const answer = await open(`${world.app.url}${new URL(body.url).pathname}`);
    const text = await answer.text();
    expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;Sons&quot;');
    expect(text).not.toContain('<script');
    const style = /<style>([^]*)<\/style>/.exec(text)?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(answer.headers.get('content-security-policy')).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`,
    );
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
    expect(answer.headers.get('cache-control')).toBe('private, no-store');
  });

  it('is given to keys that manage money, and to the operator who says whose', async () => {
    const { key } = await world.customer(['inference']);
    expect(await world.ask(key, '/v1/billing-links', {})).toMatchObject({
      status: 403,
      body: { code: 'scope_missing' },
    });
    const admin = world.app.adminToken;
    expect(await world.ask(admin, '/v1/billing-links', {})).toMatchObject({ body: { code: 'customer_id_required' } });
    expect(await world.ask(admin, '/v1/billing-links', { customerId: 'cus_none' })).toMatchObject({ status: 404 });
  });

  it('says what to do about a link that opens nothing, whatever is asked of it', async () => {
    const { customer, key } = await world.saver();
    const page = await pageOf(key);
    const link = { page: 'billing', subject: customer.id, expiresAt: new Date(Date.now() - 1000) };
    const expired = `${world.app.url}/billing/${sealLink(link, LOCAL_SECRETS.apiKeyPepper)}`;
    const other = { ...link, page: 'report', expiresAt: new Date(Date.now() + 60_000) };
    const foreign = `${world.app.url}/billing/${sealLink(other, LOCAL_SECRETS.apiKeyPepper)}`;
    for (const [address, status, sentence] of [
      [`${page}x`, 404, 'cut off'],
      [foreign, 404, 'cut off'],
      [`${world.app.url}/billing/x`, 404, 'cut off'],
      [expired, 410, '15 minutes'],
    ] as const) {
      const actions = ['add-card', 'default-card', 'remove-card', 'auto-reload', 'pause', 'resume'];
      const answers = [
        await open(address),
        await open(`${address}/receipts/top_1`),
        ...(await Promise.all(actions.map((action) => send(`${address}/${action}`)))),
      ];
      for (const answer of answers) {
        expect([answer.status, answer.headers.get('content-type')]).toEqual([status, 'text/html; charset=utf-8']);
        const text = await answer.text();
        expect(text).toContain(sentence);
        expect(text).toContain('Ask for a new one');
      }
    }
  });

  it("touches nobody else's cards, receipts or rule", async () => {
    const [mine, theirs] = [await world.saver({ cents: 1000 }), await world.saver({ cents: 2000 })];
    const page = await pageOf(mine.key);
    const text = await (await open(page)).text();
    expect(text).toContain('$10.00');
    expect(text).not.toContain('$20.00');
    for (const action of ['remove-card', 'default-card']) {
      const answer = await send(`${page}/${action}`, { card: theirs.card });
      expect([answer.status, (await answer.text()).includes('Back to billing')]).toEqual([404, true]);
    }
    expect(await cardsOf(theirs)).toHaveLength(1);
    const [topUp] = (await world.ask(theirs.key, '/v1/topups')).body.data;
    expect((await open(`${page}/receipts/${topUp.id}`)).status).toBe(404);
    await conclude(world);
  });

  it('does what its forms say, and answers with the page again', async () => {
    const saver = await world.saver({ cents: 5000 });
    const second = await world.stripe.paymentMethods.attach('pm_card_mastercard', { customer: saver.stripeId });
    const page = await pageOf(saver.key);
    const done = (action: string, form: Record<string, string> = {}) =>
      send(`${page}/${action}`, form).then(({ status, headers }) => [status, headers.get('location')]);
    const { pathname } = new URL(page);

    expect(await done('default-card', { card: saver.card })).toEqual([303, `${pathname}?done=card-default`]);
    expect((await cardsOf(saver)).find(({ isDefault }: { isDefault: boolean }) => isDefault).id).toBe(saver.card);
    expect(await done('remove-card', { card: second.id })).toEqual([303, `${pathname}?done=card-removed`]);
    expect(await cardsOf(saver)).toHaveLength(1);
    const terms = { threshold: '10', amount: '25', dayCap: '50', monthCap: '' };
    expect(await done('auto-reload', terms)).toEqual([303, `${pathname}?done=reload-on`]);
    expect(await world.rule(saver.key)).toMatchObject({ enabled: true, dayCap: '50', monthCap: null });
    expect(await done('pause')).toEqual([303, `${pathname}?done=reload-paused`]);
    expect(await world.rule(saver.key)).toMatchObject({ enabled: false, threshold: '10', amount: '25', dayCap: '50' });
    const refused = await send(`${page}/auto-reload`, { ...terms, amount: 'many' });
    expect([refused.status, (await refused.text()).includes('value="many"')]).toEqual([400, true]);

    // The operator has changed the bounds since: what could not be set now can be switched off.
    expect(await done('auto-reload', terms)).toEqual([303, `${pathname}?done=reload-on`]);
    await world.database.query('UPDATE auto_reload_rules SET amount_atoms = 1 WHERE customer_id = $1', [
      saver.customer.id,
    ]);
    await world.press('faults', { kind: '500_no_retry', method: 'GET', path: '/v1/customers', times: 1000 });
    expect(await done('pause')).toEqual([303, `${pathname}?done=reload-paused`]);
    expect(await world.rule(saver.key)).toMatchObject({ enabled: false, amount: '0.000000001', dayCap: '50' });
    const without = await open(page);
    expect([without.status, (await without.text()).includes('cannot be shown at the moment')]).toEqual([200, true]);
    await world.press('faults/clear');
    await conclude(world);
  });
});
