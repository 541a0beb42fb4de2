import { CreditRecovery } from '../../src/payments/credit/credit-recovery.service';
import { startAppOn, type TestApp } from '../support/app';
import { booksOf, eventsOf, expectSoundBooks, invoicesOf, json, query, usageOf } from '../support/calls';
import { newInvoiceId } from '../../src/invoicing/invoice-id';
import { asOwner } from '../support/owner';
import { chat, customerWith, startWorld, type World } from '../support/world';

const CREDIT = 1_000_000_000n;

/** A client that sends the same request again gets the first answer, and pays once (TC-15). */
describe('an Idempotency-Key', () => {
  let world: World;
  let replica: TestApp;
  let customerId: string;
  let key: string;

  beforeAll(async () => {
    world = await startWorld();
    replica = await startAppOn({ url: world.databaseUrl }, { UPSTREAM_URL: world.upstream.url });
  });
  afterAll(async () => {
    await replica?.stop();
    await world?.stop();
  });
  beforeEach(async () => {
    ({ customerId, key } = await customerWith(world, CREDIT));
  });
  afterEach(async () => {
    expect((await booksOf(world, customerId)).held.atoms).toBe(0n);
    await expectSoundBooks(world);
  });

  const send = (name: string, body: Record<string, unknown> = {}, behave = 'slow=200', url = world.url) =>
    chat(url, key, body, { 'idempotency-key': name, 'x-upstream-behave': behave });

  it.each([
    ['in one piece', {}],
    ['streamed', { stream: true, stream_options: { include_usage: true } }],
  ])('20 copies at once at two replicas, %s: one call, one charge, 20 equal answers', async (_, body) => {
    const before = world.upstream.calls().length;
    const responses = await Promise.all(
      Array.from({ length: 20 }, (__, n) => send('once', body, 'slow=200', n % 2 ? world.url : replica.url)),
    );
    const texts = await Promise.all(responses.map((response) => response.text()));
    expect(responses.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(new Set(texts).size).toBe(1);
    expect(texts[0]).toContain('"cost":"0.0000');
    expect(new Set(responses.map(({ headers }) => headers.get('x-tollbridge-invoice'))).size).toBe(1);
    expect(new Set(responses.map(({ headers }) => headers.get('x-request-id'))).size).toBe(1);
    expect(new Set(responses.map(({ headers }) => headers.get('content-type'))).size).toBe(1);
    expect(responses.filter(({ headers }) => headers.get('x-tollbridge-replayed') === 'true')).toHaveLength(19);
    expect(world.upstream.calls().length - before).toBe(1);
    const usage = await usageOf(world, customerId);
    expect(usage).toHaveLength(1);
    expect(await invoicesOf(world, customerId)).toHaveLength(1);
    expect((await booksOf(world, customerId)).posted.atoms).toBe(CREDIT - usage[0].atoms);
  });

  it('with another body: 409, and nothing is done', async () => {
    await (await send('mine')).text();
    const other = await send('mine', { max_tokens: 7 });
    expect([other.status, (await json(other)).code]).toEqual([409, 'idempotency_conflict']);
    expect(await usageOf(world, customerId)).toHaveLength(1);
  });

  it('is its customer’s own: the same key of another is another', async () => {
    await (await send('shared')).text();
    const other = await customerWith(world, CREDIT);
    const response = await chat(world.url, other.key, { max_tokens: 9 }, { 'idempotency-key': 'shared' });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-tollbridge-replayed')).toBeNull();
  });

  it.each([
    ['the upstream failed', 'fail=500', 502],
    ['the upstream refused', 'fail=400', 400],
  ])('may be used again after %s', async (_, behave, status) => {
    expect((await send('again', {}, behave)).status).toBe(status);
    const repeat = await send('again');
    expect(repeat.status).toBe(200);
    expect(repeat.headers.get('x-tollbridge-replayed')).toBeNull();
    expect((await usageOf(world, customerId)).map((row) => row.status)).toEqual(['failed', 'succeeded']);
  });

  it('may be used again after a stream that delivered nothing, and not after one that delivered something', async () => {
    await (await send('empty', { stream: true }, 'reset-mid=0')).text();
    expect(eventsOf(await (await send('empty', { stream: true }, '')).text()).at(-1)).toBe('[DONE]');
    await (await send('cut', { stream: true }, 'reset-mid=3,tokens=9')).text();
    const repeat = await send('cut', { stream: true });
    expect([repeat.status, (await json(repeat)).code]).toEqual([409, 'answer_not_kept']);
    expect((await usageOf(world, customerId)).map((row) => row.status)).toEqual(['failed', 'succeeded', 'interrupted']);
  });

  it('may be used again when there was no money, once there is', async () => {
    const poor = await customerWith(world, 0n);
    const ask = () => chat(world.url, poor.key, {}, { 'idempotency-key': 'poor' });
    expect((await ask()).status).toBe(402);
    expect((await ask()).status).toBe(402);
  });

  it.each(['with spaces in it', 'x'.repeat(256), ''])('that cannot be one is refused (%s)', async (name) => {
    const response = await send(name);
    expect([response.status, (await json(response)).code]).toEqual([400, 'invalid_idempotency_key']);
  });

  describe('whose process died', () => {
    const recover = () => world.app.get(CreditRecovery, { strict: false }).recover();
    const overdue = (state: string) =>
      query(world, `UPDATE claims SET state = $1, lease_until = now() - interval '1 second' WHERE customer_id = $2`, [
        state,
        customerId,
      ]);

    it('between keeping the answer and taking the money: charged once, and the repeat gets the kept answer', async () => {
      const first = await send('crash');
      const text = await first.text();
      const [usage] = await usageOf(world, customerId);
      // As it would be: the answer is kept, the hold is open, nothing is posted. Another customer's books play it.
      const victim = await customerWith(world, CREDIT);
      await stageCrash(victim.customerId, usage);
      const before = world.upstream.calls().length;
      expect(await recover()).toBe(1);
      expect(await recover()).toBe(0);
      const repeat = await chat(
        world.url,
        victim.key,
        {},
        { 'idempotency-key': 'crash', 'x-upstream-behave': 'slow=200' },
      );
      expect(await repeat.text()).toBe(text);
      expect(world.upstream.calls()).toHaveLength(before);
      const books = await booksOf(world, victim.customerId);
      expect([books.posted.atoms, books.held.atoms]).toEqual([CREDIT - usage.atoms, 0n]);
      expect(await invoicesOf(world, victim.customerId)).toHaveLength(1);
      expect(await usageOf(world, victim.customerId)).toHaveLength(1);
    });

    it('after the money was taken: not charged again, by however many recoveries at once', async () => {
      await (await send('late')).text();
      const { posted } = await booksOf(world, customerId);
      await overdue('settling');
      const other = replica.app.get(CreditRecovery, { strict: false });
      await Promise.all([recover(), other.recover(), recover(), other.recover()]);
      expect((await booksOf(world, customerId)).posted).toEqual(posted);
      const repeat = await send('late');
      expect(repeat.headers.get('x-tollbridge-replayed')).toBe('true');
      expect(await invoicesOf(world, customerId)).toHaveLength(1);
    });

    it('in the middle of the work: the key is free again', async () => {
      await (await send('half')).text();
      await overdue('working');
      expect(await recover()).toBe(1);
      const repeat = await send('half');
      expect(repeat.status).toBe(200);
      expect(repeat.headers.get('x-tollbridge-replayed')).toBeNull();
    });
  });

  /** The rows that a crash between `settling` and the capture leaves, made from a call that was not cut. */
  async function stageCrash(victim: string, usage: any): Promise<void> {
    const [claim] = await query(world, `SELECT * FROM claims WHERE customer_id = $1 AND key LIKE '%crash'`, [
      customerId,
    ]);
    const callId = `${usage.id.slice(0, -4)}beef`;
    const [account] = await query(world, `SELECT id FROM ledger_accounts WHERE customer_id = $1`, [victim]);
    const text = JSON.stringify(claim.capture).replaceAll(usage.id, callId).replaceAll(customerId, victim);
    const capture = text.replaceAll(usage.invoice_id, newInvoiceId(callId));
    await asOwner(
      world,
      [
        `INSERT INTO holds (id, account_id, customer_id, atoms, state, opened_at, expires_at)
         SELECT $1, $2, $3, atoms, 'open', opened_at, now() + interval '1 hour' FROM holds WHERE id = $4`,
        [callId, account.id, victim, usage.id],
      ],
      ['UPDATE ledger_accounts SET held = held + $2 WHERE id = $1', [account.id, usage.held_atoms]],
      [
        `INSERT INTO claims (key, scheme, state, fingerprint, call_id, customer_id, capture, answer_status, answer_headers, answer_body, lease_until)
         SELECT $1, scheme, 'settling', fingerprint, $2, $3, $4, answer_status, answer_headers, answer_body, now() - interval '1 second'
           FROM claims WHERE key = $5`,
        [`idempotency:${victim}:crash`, callId, victim, capture, claim.key],
      ],
    );
  }
});
