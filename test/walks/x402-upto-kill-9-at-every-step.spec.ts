import type { PrivateKeyAccount } from 'viem';
import { startAppOn, type TestApp } from '../support/app';
import { until } from '../support/calls';
import { usdcBalance } from '../support/chain';
import { leasesRunOut } from '../support/leases';
import { type ServerProcess, startServer } from '../support/process';
import { allPass, concerns, type Fate, type Rule } from '../support/rpc-proxy';
import { type SignedUpto, signUpto, uptoPayerWith } from '../support/upto';
import { askedFor, expectBooksAsOnChain, inHeader, sql, startX402World, type X402World } from '../support/x402-world';
import { chat } from '../support/world';

const ONE_USDC = 1_000_000n;

/** Where the process is killed: nothing of an `upto` payment moves before its work is done, plain or streamed. */
type Step = 'working' | 'in doubt' | 'after broadcast' | 'before broadcast';
/** Those whose nonce is held back come last: the others of the same key would wait for it. */
const STEPS: readonly Step[] = ['working', 'in doubt', 'after broadcast', 'before broadcast'];

interface Story {
  readonly step: Step;
  readonly body: Record<string, unknown>;
  readonly payer: PrivateKeyAccount;
  readonly payment: SignedUpto;
}

let world: X402World;
let survivor: TestApp | undefined;
let server: ServerProcess | undefined;

beforeAll(async () => {
  // It prepares and looks on; only processes of their own do the work here.
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false' } });
});
afterAll(async () => {
  await server?.kill9();
  await survivor?.stop();
  await world?.stop();
});

test('kill -9 of the process at each state of an upto payment: one answer, one charge, one settlement', async () => {
  const required = await askedFor(chat(world.url, undefined), 'upto');
  const stories: Story[] = [];
  for (const step of STEPS) {
    for (const body of [{ n: 1 }, { stream: true }]) {
      const payer = await uptoPayerWith(world.chain, ONE_USDC);
      stories.push({ step, body, payer, payment: await signUpto(payer, required) });
    }
  }
  world.node.rule = holdBack(stories);
  server = await startServer(world.databaseUrl, { ...world.env, JOBS_IN_PROCESS: 'true' });
  const { url } = server;
  const ends: Promise<unknown>[] = [];
  for (const step of STEPS) {
    const mine = stories.filter((story) => story.step === step);
    ends.push(...mine.map((story) => send(url, story, HANGS[step]).catch(() => 'cut')));
    await until(
      () => reached(mine),
      (there) => there === mine.length,
      40_000,
    );
  }

  await server.kill9();
  await Promise.all(ends);
  world.node.rule = allPass;
  const calls = world.upstream.calls().length;
  await leasesRunOut(world);
  survivor = await startAppOn({ url: world.databaseUrl }, { ...world.env, JOBS_IN_PROCESS: 'true' });
  await until(
    () => sql(world, `SELECT key FROM claims WHERE state IN ('working', 'settling', 'in_doubt')`),
    (open) => open.length === 0,
    40_000,
  );

  for (const story of stories) {
    const { step, body, payer } = story;
    const repeat = await send(survivor.url, story);
    const text = await repeat.text();
    expect({ step, body, status: repeat.status, text }).toMatchObject({ status: 200 });
    await until(
      () => usdcBalance(world.chain, payer.address),
      (left) => left < ONE_USDC,
    );
    expect(await (await send(survivor.url, story)).text()).toBe(text);
    const usage = await sql(world, 'SELECT status, atoms FROM usage_records WHERE payer_address = $1', [
      payer.address.toLowerCase(),
    ]);
    expect(usage).toEqual([{ status: 'succeeded', atoms: ONE_USDC - (await usdcBalance(world.chain, payer.address)) }]);
  }
  // What was answered is kept; only what was being worked on is worked on again.
  expect(world.upstream.calls().length - calls).toBe(2);
  await until(
    () => sql(world, `SELECT key FROM claims WHERE state <> 'settled'`),
    (open) => open.length === 0,
  );
  await expectBooksAsOnChain(world);
}, 120_000);

const HANGS: Partial<Record<Step, string>> = { working: 'hang' };

const send = (url: string, { payment, body }: Story, behave?: string) =>
  chat(url, undefined, body, {
    ...inHeader(payment),
    ...(behave === undefined ? {} : { 'x-upstream-behave': behave }),
  });

/** How many of them are where they are to be killed. */
async function reached(stories: readonly Story[]): Promise<number> {
  const [{ there }] = await sql(
    world,
    `SELECT count(*)::int AS there FROM (SELECT claims.*, key IN (SELECT reference FROM chain_calls) AS sent FROM claims) claims
      WHERE payer = ANY ($1) AND CASE $2 WHEN 'working' THEN state = 'working' AND NOT sent
                                         WHEN 'in doubt' THEN state = 'in_doubt'
                                         ELSE state = 'settling' AND sent END`,
    [stories.map(({ payer }) => payer.address.toLowerCase()), stories[0]?.step],
  );
  return there;
}

/** Some transactions never reach the node; what became of the others is not told. */
function holdBack(stories: readonly Story[]): Rule {
  const unsent = stories.filter(({ step }) => step === 'before broadcast').map(({ payer }) => payer.address);
  return (call): Fate | Promise<Fate> => {
    if (call.method === 'eth_getTransactionReceipt') return { result: null };
    if (call.method === 'eth_getBlockReceipts') return { result: [] };
    const isHeld = call.method === 'eth_sendRawTransaction' && unsent.some((address) => concerns(call, address));
    return isHeld ? new Promise<never>(() => undefined) : 'pass';
  };
}
