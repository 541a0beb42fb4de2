import { type AbiFunction, type PrivateKeyAccount, toFunctionSelector } from 'viem';
import { CHANNELS_ABI } from '../../src/payments/channels/channel-contract';
import { ChannelChain } from '../../src/payments/channels/channel-chain.service';
import { startAppOn, type TestApp } from '../support/app';
import { until } from '../support/calls';
import { payerWith, usdcBalance } from '../support/chain';
import { chargedToChannels, channelClient, channelHeader, pendingOnBooks } from '../support/channels';
import { leasesRunOut } from '../support/leases';
import { type ServerProcess, startServer } from '../support/process';
import { allPass, concerns, type Rule } from '../support/rpc-proxy';
import { chat } from '../support/world';
import { expectBooksAsOnChain, sql, startX402World, type X402World } from '../support/x402-world';

const NETWORK = 'eip155:84532';
const TWO_USDC = 2_000_000n;
const HANGS = { 'x-upstream-behave': 'hang' };

let world: X402World;
let server: ServerProcess | undefined;
let survivor: TestApp | undefined;

beforeAll(async () => {
  // It prepares and looks on; only processes of their own do the work here. Gas is free: any charge is worth a claim.
  world = await startX402World({ env: { JOBS_IN_PROCESS: 'false', EVM_GAS_USD_PER_COIN: '0' } });
});
afterEach(async () => {
  await survivor?.stop();
  survivor = undefined;
});
afterAll(async () => {
  await server?.kill9();
  await world?.stop();
});

const never = new Promise<never>(() => undefined);

/** Mined, and the process does not know. */
const unseen: Rule = ({ method }) => (method === 'eth_getTransactionReceipt' ? { result: null } : 'pass');

async function kill(): Promise<void> {
  await server?.kill9();
  server = undefined;
  world.node.rule = allPass;
}

/** As time does, in a minute. */
async function timePasses(): Promise<void> {
  await leasesRunOut(world);
  await sql(world, `UPDATE channels SET last_request_at = now() - interval '1 minute'`);
  await claimsGrowOld();
}

/** What came of a claim is looked for again after a while. */
const claimsGrowOld = () =>
  sql(world, `UPDATE channel_claims SET updated_at = now() - interval '1 minute' WHERE state = 'settling'`);

const count = async (what: string): Promise<number> =>
  (await sql(world, `SELECT count(*)::int AS count FROM ${what}`))[0].count;
const reached = (what: string, number: number) =>
  until(
    () => count(what),
    (found) => found >= number,
    20_000,
  );

test('in a call: while a deposit is on its way, and while a voucher’s call is worked on', async () => {
  server = await startServer(world.databaseUrl, world.env);
  const { url } = server;
  const stories: {
    what: string;
    payer: PrivateKeyAccount;
    header: Record<string, string>;
    body: object;
    hangs: boolean;
  }[] = [];
  for (const body of [{ n: 1 }, { stream: true }]) {
    for (const what of ['deposit', 'voucher'] as const) {
      const payer = await payerWith(world.chain, TWO_USDC);
      const client = channelClient({ url }, payer);
      if (what === 'voucher') expect((await client.call({ user: 'opens the channel' })).status).toBe(200);
      stories.push({
        what,
        payer,
        body,
        header: await channelHeader(url, client.scheme, body),
        hangs: what === 'voucher',
      });
    }
  }
  const charged = await chargedToChannels(world);
  const deposits = stories.filter(({ what }) => what === 'deposit');
  world.node.rule = (call) =>
    call.method === 'eth_sendRawTransaction' && concerns(call, deposits[0]?.payer.address as string)
      ? never
      : unseen(call);
  const cut: Promise<string>[] = [];
  const begin = ({ body, header, hangs }: (typeof stories)[number]) =>
    cut.push(
      chat(url, undefined, body as Record<string, unknown>, { ...header, ...(hangs ? HANGS : {}) }).then(
        async (answer) =>
          answer.text().then(
            () => 'answered',
            () => 'cut',
          ),
        () => 'cut',
      ),
    );
  // Streams are charged before their work. Deposits come one by one, so that one of them never reaches the node.
  for (const story of stories.filter(({ what }) => what === 'voucher')) begin(story);
  await reached(`claims WHERE state = 'working'`, 2);
  await reached(`claims WHERE transaction LIKE 'prepaid:%'`, 1);
  const sent = `chain_calls WHERE reference LIKE 'channel-deposit:%'`;
  const before = await count(sent);
  for (const [index, story] of [deposits[1], deposits[0]].entries()) {
    begin(story as (typeof stories)[number]);
    await reached(sent, before + index + 1);
  }
  await kill();
  expect(await Promise.all(cut)).toEqual(stories.map(() => 'cut'));

  await timePasses();
  survivor = await startAppOn({ url: world.databaseUrl }, { ...world.env, JOBS_IN_PROCESS: 'true' });
  await until(
    () => count(`claims WHERE state IN ('working', 'settling', 'in_doubt')`),
    (open) => open === 0,
    30_000,
  );
  for (const { what, payer, header, body } of stories) {
    const send = async () => {
      const answer = await chat((survivor as TestApp).url, undefined, body as Record<string, unknown>, header);
      return { status: answer.status, text: await answer.text() };
    };
    const first = await until(send, ({ status }) => status !== 503, 30_000);
    expect({ what, body, ...first }).toMatchObject({ status: 200 });
    expect(await send()).toEqual(first);
    // One deposit, whatever became of its transaction.
    expect(await usdcBalance(world.chain, payer.address)).toBe(TWO_USDC - 1_000_000n);
    const usage = await sql(
      world,
      `SELECT status FROM usage_records WHERE payer_address = $1 AND status = 'succeeded'`,
      [payer.address.toLowerCase()],
    );
    expect(usage).toHaveLength(what === 'voucher' ? 2 : 1);
  }
  expect(await chargedToChannels(world)).toBeGreaterThan(charged);
  await everythingIsClaimedOnce();
});

const CLAIM = toFunctionSelector(
  CHANNELS_ABI.find((item) => item.type === 'function' && item.name === 'claimWithSignature') as AbiFunction,
).slice(2);
const SIGNED = `chain_calls JOIN chain_transactions ON hash = transaction
  WHERE reference LIKE 'channel-claim:%' AND state = 'signed'`;

test.each<[string, Rule, string | undefined]>([
  [
    'written down and not signed',
    ({ method, params }) => (method === 'eth_call' && JSON.stringify(params).includes(CLAIM) ? never : 'pass'),
    `channel_claims WHERE state = 'settling'`,
  ],
  ['signed and not broadcast', ({ method }) => (method === 'eth_sendRawTransaction' ? never : 'pass'), SIGNED],
  ['claimed on the chain and not booked', unseen, undefined],
])('in a claim: %s', async (_what, rule, state) => {
  for (let channel = 0; channel < 2; channel++) {
    const client = channelClient(world, await payerWith(world.chain, TWO_USDC));
    expect((await client.call()).status).toBe(200);
  }
  world.node.rule = rule;
  server = await startServer(world.databaseUrl, { ...world.env, JOBS_IN_PROCESS: 'true' });
  if (state !== undefined) await reached(state, 1);
  else await until(isClaimedOnChain, (claimed) => claimed, 20_000);
  await kill();
  expect(await count('channels WHERE charged > total_claimed')).toBe(2);

  await timePasses();
  survivor = await startAppOn({ url: world.databaseUrl }, { ...world.env, JOBS_IN_PROCESS: 'true' });
  if (state === SIGNED) {
    await until(
      () => count(SIGNED),
      (left) => left === 0,
      30_000,
    );
    await claimsGrowOld();
  }
  await everythingIsClaimedOnce();
});

async function isClaimedOnChain(): Promise<boolean> {
  const channels = await sql(world, 'SELECT channel_id, charged FROM channels');
  const ids = channels.map(({ channel_id: id }) => id);
  const states = await world.app.get(ChannelChain).statesOf(NETWORK, ids);
  return states.every(({ totalClaimed }, index) => totalClaimed === channels[index].charged);
}

/** Every channel on the chain as it was charged, and the receiver has got exactly that: nothing twice, nothing lost. */
async function everythingIsClaimedOnce(): Promise<void> {
  await until(
    () => count('channels WHERE charged > total_claimed'),
    (left) => left === 0,
    30_000,
  );
  await until(
    () => count(`channel_claims WHERE state = 'settling'`),
    (left) => left === 0,
    30_000,
  );
  expect(await isClaimedOnChain()).toBe(true);
  expect(await pendingOnBooks(world)).toBe(0n);
  expect(await expectBooksAsOnChain(world)).toBe(await chargedToChannels(world));
}
