import { startUpstream, type Upstream } from '../../src/local/upstream/upstream-simulator';
import { PricingService } from '../../src/pricing/pricing.service';
import { booksOf, houseNow } from '../support/history-books';
import { startWorker, type Worker } from '../support/jobs';
import { concludePayback, type PaybackWorld, startPaybackWorld } from '../support/payback-world';
import { type ServerProcess, startServer } from '../support/process';
import { eventually } from '../support/program';
import { describeWithRedis, type Redis, startRedis } from '../support/redis';
import { chat } from '../support/world';

// What a killed worker had in its hands is another's when its lease has run out.
jest.setTimeout(300_000);

/** Two replicas and a worker over Redis: what Redis forgets and the worker leaves behind changes nothing on the books. */
describeWithRedis('the life of prepaid money at two replicas and a worker', () => {
  let redis: Redis;
  let upstream: Upstream;
  let world: PaybackWorld;
  const replicas: ServerProcess[] = [];
  let worker: Worker;

  beforeAll(async () => {
    [redis, upstream] = await Promise.all([startRedis(), startUpstream()]);
    world = await startPaybackWorld({ JOBS_IN_PROCESS: 'false', UPSTREAM_URL: upstream.url, TOPUP_TIERS: '50:5' });
    await sellAnswersAt5Dollars();
    for (const secret of [world.simulator.webhookSecret, undefined]) await startReplica(secret);
    worker = await startWorker(world.app, environment());
  });
  afterAll(async () => {
    await Promise.all([worker, ...replicas].map((each) => each?.kill9()));
    await world?.stop();
    await upstream?.stop();
    await redis?.stop();
  });

  const environment = () => ({
    ...Object.fromEntries(
      ['STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET', 'STRIPE_API_URL', 'PUBLIC_URL', 'UPSTREAM_URL', 'TOPUP_TIERS'].map(
        (name) => [name, process.env[name] ?? ''],
      ),
    ),
    JOBS_IN_PROCESS: 'false',
    REDIS_URL: redis.url,
  });

  /** Each is told of everything, in a webhook of its own. */
  async function startReplica(secret: string | undefined): Promise<void> {
    if (secret !== undefined) {
      const replica = await startServer(world.app.databaseUrl, environment());
      world.simulator.setWebhook(`${replica.url}/webhooks/stripe`);
      replicas.push(replica);
      return;
    }
    // The secret of an endpoint is known when its address is, and the address when it listens.
    const gate = await world.stripe.webhookEndpoints.create({ url: 'http://127.0.0.1:9/later', enabled_events: ['*'] });
    const own = { ...environment(), STRIPE_WEBHOOK_SECRET: gate.secret ?? '' };
    const replica = await startServer(world.app.databaseUrl, own);
    await world.stripe.webhookEndpoints.update(gate.id, { url: `${replica.url}/webhooks/stripe` });
    replicas.push(replica);
  }

  async function sellAnswersAt5Dollars(): Promise<void> {
    const pricing = world.app.app.get(PricingService, { strict: false });
    await pricing.putModel({
      ...{ id: 'dear', endpoints: ['/v1/chat/completions'], encoding: 'o200k_base', maxOutputTokens: 1_000 },
      ...{ usageConvention: 'openai', upstreamUrl: null, upstreamKeyEnv: null, upstreamModel: null },
      ...{ provider: 'upstream', answersAfterClaim: [] },
    });
    await pricing.addPrice('dear', { perRequestNano: 5_000_000_000n }, new Date(0));
  }

  /** One answer, by whichever replica's turn it is; who has no credit at this moment asks again. */
  let turn = 0;
  const call = (key: string) =>
    eventually('An answer', async () => {
      const { url } = replicas[turn++ % replicas.length] as ServerProcess;
      const { status } = await chat(url, key, { model: 'dear' });
      if (status !== 200 && status !== 402) throw new Error(`answered ${status}`);
      return status === 200 ? true : undefined;
    });

  const balanceIs = (key: string, available: string) =>
    eventually(`$${available}`, async () => ((await world.available(key)) === available ? true : undefined));

  /** What a person does meanwhile is `disturb`, after so many of its moments. */
  async function live(disturb: (moment: string) => Promise<unknown>) {
    const before = await houseNow(world);
    const saver = await world.saver({ cents: 5000 });
    const other = await world.paid(3000);
    await world.put(saver.key, { thresholdCents: 2000, amountCents: 2000 });
    const key = await inferenceKey(saver.customer.id);
    for (let n = 1; n <= 12; n++) {
      await call(key);
      await disturb(`call ${n}`);
    }
    // $50 and a bonus of $5 came in, $60 were used: each time less than $20 were left, $20 came.
    await balanceIs(saver.key, '35');
    await ask('refunds', other.topUp, { amountCents: 1000 });
    await disturb('refund');
    await world.press(`charges/${other.charge}/refund`, { amount: 500 });
    const first = (await world.stripe.charges.list({ customer: saver.stripeId, limit: 10 })).data.at(-1);
    const { id } = await world.press(`charges/${first?.id}/dispute`);
    await disturb('dispute');
    await world.settled();
    await world.press(`disputes/${id}/close`, { outcome: 'lost' });
    await disturb('loss');
    await world.settled();
    // $50 are gone and $15 of that was not there: $40 fill that up.
    await balanceIs(saver.key, '25');
    await balanceIs(other.key, '15');
    await concludePayback(world);
    return booksOf(world, [saver.customer.id, other.customer.id], before);
  }

  const inferenceKey = async (customerId: string): Promise<string> => {
    const answer = await world.ask(world.app.adminToken, `/admin/customers/${customerId}/keys`, {
      name: 'calls',
      scopes: ['inference'],
    });
    return answer.body.secret;
  };
  const ask = async (what: string, topUp: string, body: object) => {
    const { url } = replicas[1] as ServerProcess;
    const response = await fetch(`${url}/admin/topups/${topUp}/${what}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${world.app.adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(201);
  };

  it('ends in the same books, with Redis flushed in the middle and the worker killed', async () => {
    const quiet = await live(async () => undefined);
    const jobs = async () => redis.command('KEYS tollbridge:jobs:*');
    const killed = async () => {
      await worker.kill9();
      expect(await redis.command('FLUSHALL')).toBe('+OK');
    };
    const disturbances: Record<string, () => Promise<unknown>> = {
      'call 6': async () => expect(await redis.command('FLUSHALL')).toBe('+OK'),
      // The call that crosses the threshold: its reload is in the worker's hands, or in nobody's.
      'call 8': killed,
      'call 10': async () => void (worker = await startWorker(world.app, environment())),
      refund: killed,
      dispute: async () => void (worker = await startWorker(world.app, environment())),
      loss: killed,
    };
    const disturbed = live(async (moment) => {
      await disturbances[moment]?.();
      if (moment === 'loss') worker = await startWorker(world.app, environment());
    });
    expect(await disturbed).toEqual(quiet);
    expect(await jobs()).toMatch(/^\*/);
  });
});
