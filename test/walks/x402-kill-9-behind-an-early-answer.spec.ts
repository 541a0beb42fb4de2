import { Client } from 'pg';
import { payerWith, usdcBalance } from '../support/chain';
import { until } from '../support/calls';
import { holdBack, type KillWorld, send, startKillWorld, type Story as StoryOf } from '../support/kill-9';
import { answerAfterClaim, promisedBy } from '../support/answers-after-claim';
import { askedFor, expectBooksAsOnChain, signPayment, sql } from '../support/x402-world';
import { chat } from '../support/world';

/** Where the process is killed: answered are the calls of the two steps behind the booking. */
type Step = 'working' | 'before booking' | 'before broadcast' | 'after broadcast';

let world: KillWorld;

beforeAll(async () => {
  world = await startKillWorld();
  await answerAfterClaim(world);
});
afterAll(() => world?.stop());

test('kill -9 around an answer that came before its settlement: every answer that was given is paid, once', async () => {
  const required = await askedFor(chat(world.url, undefined));
  const stories: StoryOf<Step>[] = [];
  for (const step of ['working', 'before booking', 'before broadcast', 'after broadcast'] as const) {
    for (const body of [{ n: 1 }, { stream: true }]) {
      const payer = await payerWith(world.chain, 1_000_000n);
      stories.push({ step, body, payer, payment: await signPayment(payer, required) });
    }
  }
  const of = (step: Step) => stories.filter((story) => story.step === step);
  world.node.rule = holdBack(world, stories, { before: 'before broadcast', after: 'after broadcast' });
  const url = await world.startServer();
  const cut = of('working').map((story) => send(url, story, { 'x-upstream-behave': 'hang' }).catch(() => 'cut'));
  await until(states, ({ working }) => working === 2, 15_000);
  const given: string[] = [];
  for (const story of [...of('after broadcast'), ...of('before broadcast')]) {
    const answer = await send(url, story);
    expect({ ...story, status: answer.status }).toMatchObject({ status: 200 });
    given.push(await answer.text());
  }
  await until(states, ({ sent }) => sent === 4, 15_000);
  const held = await holdTheBooks();
  cut.push(...of('before booking').map((story) => textOf(send(url, story)).catch(() => 'cut')));
  await until(states, ({ promised }) => promised === 6, 15_000);

  await world.kill();
  await held.end();
  await Promise.all(cut);
  const calls = world.upstream.calls().length;
  const { url: alive } = await world.survive();

  const again = [];
  for (const story of stories) {
    const repeat = await send(alive, story);
    const text = await repeat.text();
    expect({ step: story.step, body: story.body, status: repeat.status, text }).toMatchObject({ status: 200 });
    again.push({ step: story.step, text });
    await until(
      () => usdcBalance(world.chain, story.payer.address),
      (left) => left === 1_000_000n - BigInt(required.amount),
    );
    await until(
      () => promisedBy(world, story.payer.address),
      ({ promised, owed }) => promised === 0n && owed === 0n,
    );
    const address = story.payer.address.toLowerCase();
    const usage = await sql(world, 'SELECT status FROM usage_records WHERE payer_address = $1', [address]);
    expect(usage).toEqual([{ status: 'succeeded' }]);
  }
  // What was answered is answered so again; only the work that was cut short was done anew.
  const answered = again.filter(({ step }) => step.endsWith('broadcast')).map(({ text }) => text);
  expect(answered.toSorted()).toEqual(given.toSorted());
  expect(world.upstream.calls().length - calls).toBe(2);
  expect(await expectBooksAsOnChain(world)).toBe(BigInt(required.amount) * BigInt(stories.length));
});

const textOf = async (response: Promise<Response>): Promise<string> => (await response).text();

/** Somebody sits on the account that every call is earned on: nothing is booked until `end`. */
async function holdTheBooks(): Promise<{ end(): Promise<void> }> {
  const client = new Client({ connectionString: world.ownerUrl });
  await client.connect();
  await client.query('BEGIN');
  await client.query(`SELECT FROM ledger_accounts WHERE code = 'revenue:inference' FOR UPDATE`);
  return client;
}

async function states(): Promise<{ working: number; promised: number; sent: number }> {
  const [reached] = await sql(
    world,
    `SELECT count(*) FILTER (WHERE state = 'working')::int AS working,
            count(*) FILTER (WHERE state = 'promised')::int AS promised,
            count(*) FILTER (WHERE state = 'promised' AND key IN (SELECT reference FROM chain_calls))::int AS sent
       FROM claims`,
  );
  return reached;
}
