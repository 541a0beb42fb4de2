import type { PrivateKeyAccount } from 'viem';
import { DEV_WALLETS } from '../../src/local/chain';
import { ClaimScheduler } from '../../src/payments/channels/claim-scheduler.service';
import { channelClient } from '../support/channels';
import { expectAllMatched, reconcileChain } from '../support/chain-watch';
import { payerWith } from '../support/chain';
import { challengeOf, signChallenge } from '../support/sign-in';
import { instructionsOf, paidByHand, payingWallet, proofHeader, topUpWallet } from '../support/transfers';
import { signUpto, uptoPayerWith } from '../support/upto';
import { chat } from '../support/world';
import {
  askedFor,
  inHeader,
  payersWith,
  signPayment,
  sql,
  startX402World,
  type X402World,
} from '../support/x402-world';

let world: X402World;

beforeAll(async () => {
  // Gas that costs nothing: any charge is worth a claim. Jobs run when the story says so.
  const env = {
    JOBS_IN_PROCESS: 'false',
    EVM_GAS_USD_PER_COIN: '0',
    EVM_PAYOUT_KEY: DEV_WALLETS.payTo.privateKey,
    CHAIN_LOG_RANGE: '5',
  };
  world = await startX402World({ env });
});
afterAll(() => world?.stop());

const asked = (scheme: string, body: Record<string, unknown> = {}) =>
  askedFor(chat(world.url, undefined, body), scheme);

async function callExact(payer: PrivateKeyAccount, body: Record<string, unknown>): Promise<Response> {
  return chat(world.url, undefined, body, inHeader(await signPayment(payer, await asked('exact', body))));
}

async function callUpto(payer: PrivateKeyAccount): Promise<Response> {
  return chat(world.url, undefined, {}, inHeader(await signUpto(payer, await asked('upto'))));
}

async function callOnChannels(count: number): Promise<Response[]> {
  const payers = await payersWith(world.chain, count, 2_000_000n);
  const answers = await Promise.all(payers.map((payer) => channelClient(world, payer).call()));
  await world.app.get(ClaimScheduler).run();
  return answers;
}

async function callByProof(): Promise<Response> {
  const wallet = await payingWallet(world.chain, 1_000_000n);
  const unpaid = await chat(world.url, undefined, {}, { 'wallet-provider': 'viem' });
  return chat(world.url, undefined, {}, proofHeader(await paidByHand(wallet, instructionsOf(await unpaid.json()))));
}

async function withdraw(wallet: PrivateKeyAccount, amount: string): Promise<unknown> {
  const path = `${world.url}/v1/wallet/withdrawals`;
  const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const { quote } = (await (await post(`${path}/quote`, { amount })).json()) as { quote: string };
  const signed = await signChallenge(wallet, challengeOf(await fetch(path)));
  return (await post(path, { quote }, signed)).json();
}

test('after payments on every rail and a withdrawal, each transfer has its entry and the balances are equal', async () => {
  expectAllMatched(await reconcileChain(world));

  const uptoPayer = await uptoPayerWith(world.chain, 1_000_000n);
  const payers = await payersWith(world.chain, 3, 1_000_000n);
  const bodies = [{ n: 1 }, { stream: true }, { model: 'flat' }];
  const atOnce = payers.map((payer, index) => callExact(payer, bodies[index] ?? {}));
  const answers = [
    ...(await Promise.all([...atOnce, callUpto(uptoPayer)])),
    ...(await callOnChannels(3)),
    await callByProof(),
  ];
  for (const { status } of answers) expect(status).toBe(200);
  await Promise.all(answers.map((answer) => answer.arrayBuffer()));
  const wallet = await payerWith(world.chain, 5_000_000n);
  await topUpWallet(world, wallet, '5');
  expect(await withdraw(wallet, '1.5')).toMatchObject({ state: 'settled' });

  const report = await reconcileChain(world);
  expectAllMatched(report);
  // Four settlements, what three channels paid out together, a proof, a top-up, and what was taken back.
  expect(report.counts).toEqual({ transfers: 8, entries: 8, waiting: 0 });
  expect(report.balances[0]?.theirs.atoms).toBeGreaterThan(3_500_000n);
  const kinds = await sql(world, 'SELECT DISTINCT kind FROM chain_bookings ORDER BY kind');
  expect(kinds.map(({ kind }) => kind)).toEqual([
    'call_settled',
    'channels_settled',
    'transfer_settled',
    'withdrawal_landed',
  ]);
  expect(await reconcileChain(world)).toEqual(report);
});
