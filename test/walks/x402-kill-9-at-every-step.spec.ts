import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PrivateKeyAccount } from 'viem';
import { startAppOn, type TestApp } from '../support/app';
import { baseEnvironment } from '../support/app';
import { build, type Build } from '../support/build';
import { payerWith, usdcBalance } from '../support/chain';
import { eventually, type Program, runProgram } from '../support/program';
import { until } from '../support/calls';
import { allPass, concerns, type RpcCall, type Rule } from '../support/rpc-proxy';
import {
  askedFor,
  expectBooksAsOnChain,
  inHeader,
  type SignedPayment,
  signPayment,
  sql,
  startX402World,
  type X402World,
} from '../support/x402-world';
import { chat } from '../support/world';

/** Where the process is killed. A stream is settled before its work, a plain call after it. */
type Step = 'working' | 'before broadcast' | 'after broadcast';

interface Story {
  readonly step: Step;
  readonly body: Record<string, unknown>;
  readonly payer: PrivateKeyAccount;
  readonly payment: SignedPayment;
}

let compiled: Build;
let directory: string;
let world: X402World;
let survivor: TestApp | undefined;
let server: Program | undefined;

beforeAll(async () => {
  compiled = build();
  directory = mkdtempSync(join(tmpdir(), 'tollbridge-kill-'));
  // It prepares and looks on; only processes of their own do the work here.
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false' } });
});
afterAll(async () => {
  server?.signal('SIGKILL');
  await survivor?.stop();
  await world?.stop();
  compiled?.remove();
  rmSync(directory, { recursive: true, force: true });
});

test('kill -9 while working, before the broadcast, and before the booking: everything is finished once', async () => {
  const required = await askedFor(chat(world.url, undefined));
  const stories: Story[] = [];
  for (const step of ['working', 'before broadcast', 'after broadcast'] as const) {
    for (const body of [{ n: 1 }, { stream: true }]) {
      const payer = await payerWith(world.chain, 1_000_000n);
      stories.push({ step, body, payer, payment: await signPayment(payer, required) });
    }
  }
  world.node.rule = holdBack(stories);
  const url = await startServer();
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

  server?.signal('SIGKILL');
  await server?.ended;
  expect(await Promise.all(cut.map(async (end) => (await end) === 'cut'))).toEqual(stories.map(() => true));
  world.node.rule = allPass;
  const calls = world.upstream.calls().length;
  await leasesRunOut();
  survivor = await startAppOn({ url: world.databaseUrl }, { ...world.env, JOBS_IN_PROCESS: 'true' });
  await until(
    () => sql(world, `SELECT key FROM claims WHERE state IN ('working', 'settling', 'in_doubt')`),
    (open) => open.length === 0,
    30_000,
  );

  for (const story of stories) {
    const { url: alive } = survivor;
    const repeat = await send(alive, story, '');
    const text = await repeat.text();
    expect({ step: story.step, body: story.body, status: repeat.status, text }).toMatchObject({ status: 200 });
    expect(await (await send(alive, story, '')).text()).toBe(text);
    expect(await usdcBalance(world.chain, story.payer.address)).toBe(1_000_000n - BigInt(required.amount));
    const address = story.payer.address.toLowerCase();
    const usage = await sql(world, 'SELECT status FROM usage_records WHERE payer_address = $1', [address]);
    expect(usage).toEqual([{ status: 'succeeded' }]);
  }
  // A plain call that was settled had its answer kept; all others had to be worked on again, or for the first time.
  expect(world.upstream.calls().length - calls).toBe(4);
  expect(await expectBooksAsOnChain(world)).toBe(BigInt(required.amount) * BigInt(stories.length));
});

const send = (url: string, story: Story, behave = story.step === 'working' ? 'hang' : '') =>
  chat(url, undefined, story.body, {
    ...inHeader(story.payment),
    ...(behave === '' ? {} : { 'x-upstream-behave': behave }),
  });

async function startServer(): Promise<string> {
  const env = {
    ...baseEnvironment(world.databaseUrl),
    ...world.env,
    JOBS_IN_PROCESS: 'true',
    PORT: '0',
    NO_COLOR: '1',
  };
  const started = runProgram(compiled.file('src/main.js'), [], env, directory);
  server = started;
  const said = () => started.output();
  return eventually('Listening', () => /Listening on (http:\S+)/.exec(said())?.[1], said);
}

/** Some wallets' transactions never reach the node, of others the node's answer never comes back. */
function holdBack(stories: readonly Story[]): Rule {
  const isOf = (step: Step, call: RpcCall) =>
    stories.some((story) => story.step === step && concerns(call, story.payer.address));
  const never = new Promise<never>(() => undefined);
  return (call) => {
    if (call.method === 'eth_sendRawTransaction' && isOf('before broadcast', call)) return never;
    return call.method === 'eth_getTransactionReceipt' ? receiptFate(call) : 'pass';
  };

  /** Mined, and the process does not know. */
  async function receiptFate({ params }: RpcCall) {
    const sent = await sql(world, 'SELECT reference FROM chain_calls WHERE transaction = $1', [params[0]]);
    const withheld = stories.some(
      ({ step, payer }) =>
        step === 'after broadcast' && sent.some(({ reference }) => reference.includes(payer.address.toLowerCase())),
    );
    return withheld ? ({ result: null } as const) : 'pass';
  }
}

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

/** As time does, in half a minute. */
const leasesRunOut = () =>
  sql(world, `UPDATE claims SET lease_until = now() - interval '1 second' WHERE state IN ('working', 'settling')`);
