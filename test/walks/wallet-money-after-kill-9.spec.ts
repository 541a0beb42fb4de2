import { DEV_WALLETS } from '../../src/local/chain';
import { startAppOn, type TestApp } from '../support/app';
import { until } from '../support/calls';
import { payerWith, usdcBalance } from '../support/chain';
import { leasesRunOut } from '../support/leases';
import { type ServerProcess, startServer } from '../support/process';
import { allPass, type Rule } from '../support/rpc-proxy';
import { challengeOf, signChallenge } from '../support/sign-in';
import { instructionsOf, paidByHand, payingWallet, proofHeader, topUpWallet } from '../support/transfers';
import { chat } from '../support/world';
import { sql, startX402World, walletCredit, type X402World } from '../support/x402-world';

const HANGS = { 'x-upstream-behave': 'hang' };
const WITHDRAWALS = '/v1/wallet/withdrawals';

let world: X402World;
let survivor: TestApp | undefined;
let server: ServerProcess | undefined;

beforeAll(async () => {
  // It prepares and looks on; only processes of their own do the work here.
  world = await startX402World({
    env: { JOBS_IN_PROCESS: 'false', EVM_PAYOUT_KEY: DEV_WALLETS.payTo.privateKey, X402_EXTENSIONS: 'sign-in-with-x' },
  });
});
afterAll(async () => {
  await server?.kill9();
  await survivor?.stop();
  await world?.stop();
});

test('kill -9 in mid-call and in mid-withdrawal: a shown transfer still pays once, a withdrawal arrives once', async () => {
  server = await startServer(world.databaseUrl, { ...world.env, JOBS_IN_PROCESS: 'true' });
  const { url } = server;
  const byHand = await payingWallet(world.chain, 2_000_000n);
  const drawing = await payerWith(world.chain, 1_000_000n);
  await topUpWallet(world, drawing, '1');
  const calls: { body: Record<string, unknown>; paying: Record<string, string> }[] = [];
  for (const body of [{ n: 1 }, { stream: true }]) calls.push({ body, paying: await proofFor(body) });
  calls.push({ body: { max_tokens: 9 }, paying: await signInFor({ max_tokens: 9 }) });
  const [unsent, unseen] = [await withdrawing(), await withdrawing()];

  const cut: Promise<string>[] = [];
  const begin = (request: Promise<Response>) =>
    cut.push(
      request.then(
        () => 'answered',
        () => 'cut',
      ),
    );
  for (const { body, paying } of calls) begin(chat(url, undefined, body, { ...paying, ...HANGS }));
  await until(openThings, ({ working }) => working === 3);
  world.node.rule = withheld;
  begin(unseen.send(url));
  await until(openThings, ({ sent }) => sent === 1);
  // Questions to the node that are asked together are answered together, so the one that hangs comes last.
  world.node.rule = (call) => (call.method === 'eth_estimateGas' ? new Promise(() => undefined) : withheld(call));
  begin(unsent.send(url));
  await until(openThings, ({ withdrawals }) => withdrawals === 2);
  await server.kill9();
  expect(await Promise.all(cut)).toEqual(Array(5).fill('cut'));

  world.node.rule = allPass;
  await leasesRunOut(world);
  survivor = await startAppOn({ url: world.databaseUrl }, { ...world.env, JOBS_IN_PROCESS: 'true' });
  await until(openThings, ({ working, withdrawals }) => working === 0 && withdrawals === 0, 30_000);

  for (const { body, paying } of calls) {
    const alive = 'sign-in-with-x' in paying ? await signInFor(body, survivor.url) : paying;
    const repeat = await chat(survivor.url, undefined, body, alive);
    const text = await repeat.text();
    expect({ body, status: repeat.status, text }).toMatchObject({ status: 200 });
    const again = await chat(survivor.url, undefined, body, alive);
    expect(await again.text()).toBe(text);
  }
  for (const { wallet } of [unsent, unseen]) {
    expect(await usdcBalance(world.chain, wallet.address)).toBe(300_000n);
  }
  expect(await sql(world, `SELECT state FROM withdrawals`)).toEqual([{ state: 'settled' }, { state: 'settled' }]);
  const usage = await sql(world, `SELECT status FROM usage_records WHERE status = 'succeeded'`);
  expect(usage).toHaveLength(3);
  expect(await walletCredit(world, byHand.account.address)).toBeGreaterThan(0n);

  async function proofFor(body: Record<string, unknown>): Promise<Record<string, string>> {
    const unpaid = await chat(url, undefined, body, { 'wallet-provider': 'viem' });
    return proofHeader(await paidByHand(byHand, instructionsOf(await unpaid.json())));
  }

  async function signInFor(body: Record<string, unknown>, at = url): Promise<Record<string, string>> {
    return signChallenge(drawing, challengeOf(await chat(at, undefined, body)));
  }

  async function withdrawing() {
    const wallet = await payerWith(world.chain, 2_000_000n);
    await topUpWallet(world, wallet, '2');
    const quoted = await post(`${url}${WITHDRAWALS}/quote`, { amount: '0.3' });
    const { quote } = (await quoted.json()) as { quote: string };
    const signed = await signChallenge(wallet, challengeOf(await fetch(`${url}${WITHDRAWALS}`)));
    return { wallet, send: (at: string) => post(`${at}${WITHDRAWALS}`, { quote }, signed) };
  }
});

const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

/** Mined, and the process does not know. */
const withheld: Rule = ({ method }) => {
  if (method === 'eth_getTransactionReceipt') return { result: null };
  return method === 'eth_getBlockReceipts' ? { result: [] } : 'pass';
};

async function openThings(): Promise<{ working: number; withdrawals: number; sent: number }> {
  const [open] = await sql(
    world,
    `SELECT (SELECT count(*)::int FROM claims WHERE state = 'working') AS working,
            (SELECT count(*)::int FROM withdrawals WHERE state = 'settling') AS withdrawals,
            (SELECT count(*)::int FROM chain_calls WHERE reference LIKE 'withdrawal:%') AS sent`,
  );
  return open;
}
