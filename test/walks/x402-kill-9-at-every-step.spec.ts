import { payerWith, usdcBalance } from '../support/chain';
import { until } from '../support/calls';
import { holdBack, type KillWorld, send as sendTo, startKillWorld, type Story as StoryOf } from '../support/kill-9';
import { askedFor, expectBooksAsOnChain, signPayment, sql } from '../support/x402-world';
import { chat } from '../support/world';

/** Where the process is killed. A stream is settled before its work, a plain call after it. */
type Step = 'working' | 'before broadcast' | 'after broadcast';
type Story = StoryOf<Step>;

let world: KillWorld;

beforeAll(async () => {
  world = await startKillWorld();
});
afterAll(() => world?.stop());

test('kill -9 while working, before the broadcast, and before the booking: everything is finished once', async () => {
  const required = await askedFor(chat(world.url, undefined));
  const stories: Story[] = [];
  for (const step of ['working', 'before broadcast', 'after broadcast'] as const) {
    for (const body of [{ n: 1 }, { stream: true }]) {
      const payer = await payerWith(world.chain, 1_000_000n);
      stories.push({ step, body, payer, payment: await signPayment(payer, required) });
    }
  }
  world.node.rule = holdBack(world, stories, { before: 'before broadcast', after: 'after broadcast' });
  const url = await world.startServer();
  // What arrives together is sent together, so those of one step come alone; those whose nonce is held back come last.
  const cut: Promise<unknown>[] = [];
  const go = (step: Step) =>
    cut.push(...stories.filter((story) => story.step === step).map((story) => send(url, story).catch(() => 'cut')));
  go('working');
  await until(stepsReached, ({ working }) => working === 2, 15_000);
  go('after broadcast');
  await until(stepsReached, ({ sent }) => sent === 2, 15_000);
  go('before broadcast');
  await until(stepsReached, ({ sent }) => sent === 4, 15_000);

  await world.kill();
  expect(await Promise.all(cut.map(async (end) => (await end) === 'cut'))).toEqual(stories.map(() => true));
  const calls = world.upstream.calls().length;
  const { url: alive } = await world.survive();

  for (const story of stories) {
    const repeat = await sendTo(alive, story);
    const text = await repeat.text();
    expect({ step: story.step, body: story.body, status: repeat.status, text }).toMatchObject({ status: 200 });
    expect(await (await sendTo(alive, story)).text()).toBe(text);
    expect(await usdcBalance(world.chain, story.payer.address)).toBe(1_000_000n - BigInt(required.amount));
    const address = story.payer.address.toLowerCase();
    const usage = await sql(world, 'SELECT status FROM usage_records WHERE payer_address = $1', [address]);
    expect(usage).toEqual([{ status: 'succeeded' }]);
  }
  // A plain call that was settled had its answer kept; all others had to be worked on again, or for the first time.
  expect(world.upstream.calls().length - calls).toBe(4);
  expect(await expectBooksAsOnChain(world)).toBe(BigInt(required.amount) * BigInt(stories.length));
});

const send = (url: string, story: Story) =>
  sendTo(url, story, story.step === 'working' ? { 'x-upstream-behave': 'hang' } : {});

/** How many stories are where they will be killed. */
async function stepsReached(): Promise<{ working: number; sent: number }> {
  const [reached] = await sql(
    world,
    `SELECT count(*) FILTER (WHERE state = 'working' AND sent = (transaction IS NOT NULL))::int AS working,
            count(*) FILTER (WHERE state = 'settling' AND sent)::int AS sent
       FROM (SELECT state, transaction, key IN (SELECT reference FROM chain_calls) AS sent FROM claims) claims`,
  );
  return reached;
}
