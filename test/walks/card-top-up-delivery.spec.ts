import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { request } from 'undici';
import {
  type CardWorld,
  effectsOf,
  eventBody,
  type Json,
  sign,
  startCardWorld,
  startMortalReplica,
} from '../support/card-world';
import { asOwner } from '../support/owner';

const COMPLETED = 'checkout.session.completed';

describe('webhooks of Stripe', () => {
  let world: CardWorld;

  beforeAll(async () => {
    world = await startCardWorld();
  });
  afterAll(() => world.stop());

  const available = async (key: string) => (await world.ask(key, '/v1/balance')).body.available;
  const count = async (sql: string, ...parameters: unknown[]) =>
    Number((await world.database.query<{ count: bigint }>(`SELECT count(*) ${sql}`, parameters))[0]?.count);
  const written = async () => [
    await count('FROM stripe_events'),
    await count('FROM stripe_payments'),
    await count('FROM journal_entries'),
    await count('FROM topups'),
  ];

  /** A top-up of $10 that is paid at Stripe and of which we have heard nothing yet. */
  const paidInSilence = async () => {
    await world.press('webhooks', { paused: true });
    const { key } = await world.customer();
    const { id, session } = await world.topUp(key, 1000);
    await world.press(`checkout/${session}/pay`);
    return { id, key, body: await eventBody(world, COMPLETED) };
  };
  const unpause = () => world.press('webhooks', { paused: false, duplicate: 0, shuffle: false });

  afterEach(async () => {
    await unpause();
    await world.delivered();
  });

  it('delivered five times at once credit once (TC-17)', async () => {
    for (let round = 0; round < 5; round++) {
      const { id, key, body } = await paidInSilence();
      const answers = await Promise.all([1, 2, 3, 4, 5].map(() => world.deliver(body)));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
      expect(effectsOf(answers)).toEqual(['credited', 'duplicate', 'duplicate', 'duplicate', 'duplicate']);
      expect(await available(key)).toBe('10');
      expect(await count(`FROM journal_entries WHERE key LIKE '%' || $1`, id)).toBe(1);
    }
  });

  it('sent many times and in any order by Stripe itself credit once', async () => {
    await unpause();
    await world.press('webhooks', { duplicate: 4, shuffle: true });
    const { key } = await world.customer();
    const first = await world.topUp(key, 1000);
    const second = await world.topUp(key, 2000);
    await world.press(`checkout/${first.session}/pay`);
    await world.press(`checkout/${second.session}/pay_later`);
    await world.press(`checkout/${second.session}/settle_async`, { outcome: 'succeeded' });
    await world.delivered();
    expect(await available(key)).toBe('30');
    const { body } = await world.ask(key, '/v1/topups');
    expect(body.data.map((topUp: Json) => topUp.state)).toEqual(['paid', 'paid']);
  });

  it('another event about the same payment does not book it again', async () => {
    const { key, body } = await paidInSilence();
    const twin = { ...JSON.parse(body), id: 'evt_twin', type: 'checkout.session.async_payment_succeeded' };
    const answers = await Promise.all([world.deliver(body), world.deliver(JSON.stringify(twin))]);
    expect(effectsOf(answers)).toEqual(['already_booked', 'credited']);
    expect(await available(key)).toBe('10');
  });

  it('old news changes nothing: expired and unpaid after paid', async () => {
    const { id, key, body } = await paidInSilence();
    await world.deliver(body);
    const event = JSON.parse(body);
    const late = [
      { ...event, id: 'evt_late_1', type: 'checkout.session.expired' },
      { ...event, id: 'evt_late_2', data: { object: { ...event.data.object, payment_status: 'unpaid' } } },
      { ...event, id: 'evt_late_3', type: 'checkout.session.async_payment_failed' },
    ];
    for (const one of late) expect((await world.deliver(JSON.stringify(one))).body.effect).toBe('unchanged');
    expect((await world.ask(key, `/v1/topups/${id}`)).body.state).toBe('paid');
  });

  it('a failure after the event was written leaves nothing: the redelivery credits (TC-18)', async () => {
    const { id, key, body } = await paidInSilence();
    const before = await written();
    // The last step of the transaction breaks: by then the event, the payment and the postings are written.
    await breakTopUps(`RAISE EXCEPTION 'out of order' USING ERRCODE = 'internal_error'`);
    const broken = await world.deliver(body);
    expect(broken.status).toBe(500);
    expect(broken.body).toMatchObject({ code: 'internal_error' });
    expect(await written()).toEqual(before);
    expect(await available(key)).toBe('0');
    await mendTopUps();
    expect((await world.deliver(body)).body.effect).toBe('credited');
    expect((await world.deliver(body)).body.effect).toBe('duplicate');
    expect(await available(key)).toBe('10');
    expect((await world.ask(key, `/v1/topups/${id}`)).body.state).toBe('paid');
  });

  it('a process that is killed after the event was written leaves nothing: a replica credits (TC-18)', async () => {
    const { key, body } = await paidInSilence();
    const before = await written();
    const replica = await startMortalReplica(world);
    await breakTopUps('PERFORM pg_sleep(3)');
    const lost = fetch(`${replica.url}/webhooks/stripe`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'stripe-signature': sign(body, world.simulator.webhookSecret) },
      body,
    }).catch(() => 'no answer');
    // Everything is written and not committed when the database sleeps.
    while ((await count(`FROM pg_stat_activity WHERE wait_event = 'PgSleep'`)) === 0) await setTimeout(5);
    await replica.crash();
    expect(await lost).toBe('no answer');
    await mendTopUps();
    expect(await written()).toEqual(before);
    expect((await world.deliver(body)).body.effect).toBe('credited');
    expect(await available(key)).toBe('10');
  });

  it('a database session that is killed in the middle is one 5xx, and Stripe tries again', async () => {
    const { key, body } = await paidInSilence();
    const before = await written();
    await breakTopUps('PERFORM pg_sleep(3)');
    const lost = world.deliver(body);
    while ((await count(`FROM pg_stat_activity WHERE wait_event = 'PgSleep'`)) === 0) await setTimeout(5);
    await world.database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND pid <> pg_backend_pid()`,
    );
    expect((await lost).status).toBeGreaterThanOrEqual(500);
    await mendTopUps();
    expect(await written()).toEqual(before);
    expect((await world.deliver(body)).body.effect).toBe('credited');
    expect(await available(key)).toBe('10');
  });

  it('for many customers at once all credit, with fewer connections than webhooks', async () => {
    await world.press('webhooks', { paused: true });
    const payments = [];
    for (let n = 0; n < 40; n++) {
      const { key } = await world.customer();
      const { session } = await world.topUp(key, 1000);
      await world.press(`checkout/${session}/pay`);
      payments.push({ key, body: await eventBody(world, COMPLETED) });
    }
    const answers = await Promise.all([...payments, ...payments].map(({ body }) => world.deliver(body)));
    expect(effectsOf(answers)).toEqual([...Array(40).fill('credited'), ...Array(40).fill('duplicate')]);
    for (const { key } of payments) expect(await available(key)).toBe('10');
  });

  it('with a wrong, missing or altered signature are refused', async () => {
    const { key, body } = await paidInSilence();
    const before = await written();
    const { webhookSecret } = world.simulator;
    const seconds = Math.floor(Date.now() / 1000);
    const good = sign(body, webhookSecret, seconds);
    const bad = [sign(body, 'whsec_other'), good.replace('v1=', 'v0='), good.slice(0, -1), 't=,v1=', 'nonsense'];
    for (const header of [...bad, sign(`${body} `, webhookSecret), good.replace(/t=\d+/, 't=1')]) {
      const { status, body: problem } = await world.deliver(body, header);
      expect({ status, code: problem.code }).toEqual({ status: 400, code: 'webhook_signature_invalid' });
    }
    const bare = await world.ask('', '/webhooks/stripe', JSON.parse(body));
    expect(bare).toMatchObject({ status: 400, body: { code: 'webhook_signature_invalid' } });
    expect(await written()).toEqual(before);
    expect(await available(key)).toBe('0');
    // While a secret is rolled, Stripe signs with both.
    const rolled = `${sign(body, 'whsec_next', seconds)},v1=${good.split('v1=')[1]}`;
    expect((await world.deliver(body, rolled)).body.effect).toBe('credited');
  });

  it.each([-100_000, -302, 302, 100_000])('signed %i seconds from now are refused', async (seconds) => {
    const body = JSON.stringify({ id: 'evt_1', object: 'event', type: COMPLETED });
    const header = sign(body, world.simulator.webhookSecret, Math.floor(Date.now() / 1000) + seconds);
    const { status, body: problem } = await world.deliver(body, header);
    expect({ status, code: problem.code }).toEqual({ status: 400, code: 'webhook_timestamp_out_of_range' });
  });

  it.each([-290, 290])('signed %i seconds from now are taken', async (seconds) => {
    const header = sign('{}', world.simulator.webhookSecret, Math.floor(Date.now() / 1000) + seconds);
    expect(await world.deliver('{}', header)).toEqual({ status: 200, body: { received: true, effect: 'ignored' } });
  });

  it('of other kinds are taken and ignored', async () => {
    const before = await written();
    const envelope = { id: 'evt_x', object: 'event', created: 1, data: { object: {} } };
    const others = [
      { ...envelope, type: 'invoice.paid' },
      { ...envelope, type: 'something.new' },
      { id: 'evt_v2', object: 'v2.core.event', type: 'v2.core.account.updated', created: '2026-11-23T00:00:00Z' },
      { ...envelope, type: 'charge.updated' },
      [],
    ];
    for (const other of others) {
      expect((await world.deliver(JSON.stringify(other))).body).toEqual({ received: true, effect: 'ignored' });
    }
    expect(await written()).toEqual(before);
  });

  it('of our kind that cannot be read are not swallowed: Stripe shall repeat them', async () => {
    const before = await written();
    const event = { id: 'evt_odd', object: 'event', created: 1, type: COMPLETED, data: { object: { id: 'cs_1' } } };
    expect(await world.deliver(JSON.stringify(event))).toMatchObject({
      status: 500,
      body: { code: 'webhook_unreadable' },
    });
    expect(await written()).toEqual(before);
  });

  it('that nobody signed never write and never break anything, whatever their bytes', async () => {
    const before = await written();
    const token = fc.stringMatching(/^[!-~]{0,60}$/);
    const content = fc.oneof(
      fc.constantFrom('application/json', 'text/plain', 'application/x-www-form-urlencoded'),
      token,
    );
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
      fc.json().map((text) => Buffer.from(text)),
    );
    const header = fc.oneof(
      token,
      fc.tuple(fc.integer(), fc.stringMatching(/^[0-9a-f]{64}$/)).map(([t, v1]) => `t=${t},v1=${v1}`),
      fc.constant(sign('', 'whsec_other')),
    );
    await fc.assert(
      fc.asyncProperty(body, header, content, async (bytes, signature, type) => {
        const answer = await request(`${world.app.url}/webhooks/stripe`, {
          method: 'POST',
          headers: { 'content-type': type, 'stripe-signature': signature },
          body: bytes,
        });
        await answer.body.dump();
        expect(answer.statusCode).toBeGreaterThanOrEqual(400);
        expect(answer.statusCode).toBeLessThan(500);
      }),
      { numRuns: 300 },
    );
    expect(await written()).toEqual(before);
  });

  const breakTopUps = async (statement: string) => {
    await asOwner(
      world.app,
      `CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${statement}; RETURN NEW; END $$`,
      'CREATE TRIGGER broken BEFORE UPDATE ON stripe_events FOR EACH ROW EXECUTE FUNCTION broken()',
    );
  };
  const mendTopUps = () => asOwner(world.app, 'DROP FUNCTION broken CASCADE');
});
