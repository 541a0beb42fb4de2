import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { type CardWorld, startCardWorld } from '../support/card-world';

describe('a top-up by card', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await startCardWorld();
  });
  afterAll(() => world.stop());

  const balance = async (key: string) => (await world.ask(key, '/v1/balance')).body;
  const stateOf = async (key: string, id: string) => (await world.ask(key, `/v1/topups/${id}`)).body.state;

  it('is a page at Stripe first, and credit once it is paid', async () => {
    const { customer, key } = await world.customer();
    const made = await world.ask(key, '/v1/topups', { amountCents: 2500 });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ customerId: customer.id, state: 'pending', amount: '25', currency: 'USD' });
    expect(made.body).toMatchObject({ rail: 'card', paid: null, paidAt: null });
    const sessionId = made.body.url.split('/').pop();
    const session = await world.stripe.checkout.sessions.retrieve(sessionId);
    expect(session.metadata).toEqual({ topup_id: made.body.id, customer_id: customer.id });
    expect(session).toMatchObject({ client_reference_id: customer.id, amount_total: 2500, currency: 'usd' });
    expect(session.success_url).toBe('https://tollbridge.example/topups/return?session_id={CHECKOUT_SESSION_ID}');
    expect(await balance(key)).toMatchObject({ available: '0', owed: '0', frozen: false });

    const waiting = await (await fetch(`${world.app.url}/topups/return?session_id=${sessionId}`)).text();
    expect(waiting).toContain('One moment');
    await world.press(`checkout/${sessionId}/pay`);
    await world.delivered();

    expect(await balance(key)).toEqual({
      customerId: customer.id,
      currency: 'USD',
      available: '25',
      held: '0',
      posted: '25',
      owed: '0',
      creditLimit: '0',
      frozen: false,
      atoms: { available: '25000000000', held: '0', posted: '25000000000', owed: '0' },
    });
    const paid = await world.ask(key, `/v1/topups/${made.body.id}`);
    expect(paid.body).toMatchObject({ state: 'paid', paid: '25', url: null });
    const page = await fetch(`${world.app.url}/topups/return?session_id=${sessionId}`);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(await page.text()).toContain('$25 are on your balance');

    // 2.9 % of $25 and 30 cents, read from the charge's balance transaction.
    const [payment] = await world.database.query('SELECT * FROM stripe_payments WHERE topup_id = $1', [made.body.id]);
    expect(payment).toMatchObject({ gross_atoms: 25_000_000_000n, tax_atoms: 0n, fee_atoms: 1_030_000_000n });
    const accounts = await world.app.app.get(LedgerAccountsService, { strict: false }).list();
    const posted = Object.fromEntries(accounts.map((account) => [account.code, account.posted.atoms]));
    expect(posted['stripe:clearing']).toBe(-23_970_000_000n);
    expect(posted['stripe:fees']).toBe(-1_030_000_000n);
  });

  it('makes the customer at Stripe once', async () => {
    const { customer, key } = await world.customer();
    await Promise.all([world.topUp(key, 500), world.topUp(key, 600), world.topUp(key, 700)]);
    const { data } = await world.stripe.customers.list({ limit: 100 });
    expect(data.filter((found) => found.metadata['customer_id'] === customer.id)).toHaveLength(1);
    const { body } = await world.ask(key, '/v1/topups?limit=2');
    expect(body.data).toHaveLength(2);
    expect(body.hasMore).toBe(true);
    const rest = await world.ask(key, `/v1/topups?limit=2&before=${body.data[1].id}`);
    expect(rest.body).toMatchObject({ hasMore: false, data: [{ amount: expect.any(String) }] });
  });

  it('survives a declined card: the next card pays the same page', async () => {
    const { key } = await world.customer();
    const { id, session } = await world.topUp(key, 1000);
    const declined = await world.press(`checkout/${session}/pay`, { card: '4000 0000 0000 9995' });
    expect(declined.outcome).toBe('declined');
    await world.delivered();
    expect(await stateOf(key, id)).toBe('pending');
    expect((await balance(key)).available).toBe('0');
    await world.press(`checkout/${session}/pay`);
    await world.delivered();
    expect(await stateOf(key, id)).toBe('paid');
    expect((await balance(key)).available).toBe('10');
  });

  it('by bank is no credit until the bank has paid', async () => {
    const { key } = await world.customer();
    const { id, session } = await world.topUp(key, 1000);
    await world.press(`checkout/${session}/pay_later`);
    await world.delivered();
    expect(await stateOf(key, id)).toBe('processing');
    expect((await balance(key)).available).toBe('0');
    await world.press(`checkout/${session}/settle_async`, { outcome: 'succeeded' });
    await world.delivered();
    expect(await stateOf(key, id)).toBe('paid');
    expect((await balance(key)).available).toBe('10');
  });

  it('by bank is no credit at all when the bank refuses', async () => {
    const { key } = await world.customer();
    const { id, session } = await world.topUp(key, 1000);
    await world.press(`checkout/${session}/pay_later`);
    await world.press(`checkout/${session}/settle_async`, { outcome: 'failed' });
    await world.delivered();
    expect(await stateOf(key, id)).toBe('failed');
    expect((await balance(key)).available).toBe('0');
  });

  it('expires when nobody pays', async () => {
    const { key } = await world.customer();
    const { id, session } = await world.topUp(key, 1000);
    await world.press(`checkout/${session}/expire`);
    await world.delivered();
    expect((await world.ask(key, `/v1/topups/${id}`)).body).toMatchObject({ state: 'expired', url: null });
    const page = await (await fetch(`${world.app.url}/topups/return?session_id=${session}`)).text();
    expect(page).toContain('expired');
  });

  it('is refused outside of the bounds, which it names', async () => {
    const { key } = await world.customer();
    for (const amountCents of [0, -500, 499, 1_000_001, Number.MAX_SAFE_INTEGER]) {
      const { status, body } = await world.ask(key, '/v1/topups', { amountCents });
      expect(status).toBe(400);
      expect(body).toMatchObject({ code: 'amount_out_of_range', minCents: 500, maxCents: 1_000_000 });
    }
    for (const amountCents of ['500', 500.5, null, 1e300]) {
      expect((await world.ask(key, '/v1/topups', { amountCents })).status).toBe(400);
    }
    const unknown = await world.ask(key, '/v1/topups', { amountCents: 500, amount: 5 });
    expect(unknown.body.detail).toContain('amount');
    expect((await world.ask(key, '/v1/topups')).body.data).toEqual([]);
  });

  it("shows nobody another customer's money", async () => {
    const mine = await world.customer();
    const other = await world.customer();
    const { id } = await world.topUp(other.key, 500);
    expect((await world.ask(mine.key, `/v1/topups/${id}`)).body).toMatchObject({ code: 'top_up_not_found' });
    expect((await world.ask(mine.key, `/v1/balance?customerId=${other.customer.id}`)).status).toBe(403);
    const theirs = { amountCents: 500, customerId: other.customer.id };
    expect((await world.ask(mine.key, '/v1/topups', theirs)).status).toBe(403);
    expect((await world.ask('', '/v1/balance')).status).toBe(401);
    const inference = await world.customer(['inference']);
    expect((await world.ask(inference.key, '/v1/balance')).body).toMatchObject({ code: 'scope_missing' });
  });

  it('is open to the operator, who says for whom', async () => {
    const { customer } = await world.customer();
    const admin = world.app.adminToken;
    expect((await world.ask(admin, '/v1/topups', { amountCents: 500 })).body.code).toBe('customer_id_required');
    expect((await world.ask(admin, '/v1/balance')).body.code).toBe('customer_id_required');
    expect((await world.ask(admin, '/v1/balance?customerId=cus_none')).status).toBe(404);
    const made = await world.ask(admin, '/v1/topups', { amountCents: 500, customerId: customer.id });
    expect(made.body).toMatchObject({ customerId: customer.id, state: 'pending' });
    expect((await world.ask(admin, `/v1/topups?customerId=${customer.id}`)).body.data).toHaveLength(1);
    expect((await world.ask(admin, `/v1/topups/${made.body.id}`)).status).toBe(200);
    const nobody = await world.ask(admin, '/v1/topups', { amountCents: 500, customerId: 'cus_none' });
    expect(nobody).toMatchObject({ status: 404, body: { code: 'customer_not_found' } });
  });

  it('has pages that repeat nothing that was sent to them', async () => {
    for (const query of [
      '',
      '?session_id=cs_none',
      '?session_id=<script>',
      '?session_id=a&session_id=b',
      '?session_id[]=x',
    ]) {
      const page = await fetch(`${world.app.url}/topups/return${query}`);
      expect(page.status).toBe(200);
      expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(await page.text()).toMatch(/^(?!.*<script).*Nothing to show/s);
    }
    expect(await (await fetch(`${world.app.url}/topups/cancelled`)).text()).toContain('Nothing was charged');
  });

  it('is described for client generators', async () => {
    const { paths, components } = (await world.ask('', '/docs/openapi.json')).body;
    expect(paths['/v1/topups'].post.operationId).toBe('createTopUp');
    expect(Object.keys(paths['/v1/topups'].post.responses).toSorted()).toEqual([
      '201',
      '400',
      '401',
      '403',
      '404',
      '501',
      '502',
      '503',
    ]);
    expect(Object.keys(components.schemas.TopUpDto.properties)).toHaveLength(14);
    expect(
      components.schemas.BalanceDto.properties.usdc.allOf ?? [components.schemas.BalanceDto.properties.usdc],
    ).toEqual([expect.objectContaining({ $ref: '#/components/schemas/CurrencyBalanceDto' })]);
    expect(Object.keys(paths).filter((path) => /webhooks|return|cancelled/.test(path))).toEqual([]);
  });

  it('says so, and leaks nothing, when Stripe cannot be reached', async () => {
    const { key } = await world.customer();
    await world.topUp(key, 500);
    const { port } = world.simulator;
    await world.simulator.stop();
    const { status, body } = await world.ask(key, '/v1/topups', { amountCents: 500 });
    expect(status).toBe(503);
    expect(body.code).toBe('card_processor_unavailable');
    expect(JSON.stringify(body)).not.toMatch(new RegExp(`${port}|ECONNREFUSED|sk_test`));
    expect((await world.ask(key, '/v1/topups')).body.data[0]).toMatchObject({ state: 'failed', url: null });
  });
});
