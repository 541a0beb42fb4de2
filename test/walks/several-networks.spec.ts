import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chainReceipts } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { DEV_WALLETS, type LocalChain } from '../../src/local/chain';
import { json, post } from '../support/calls';
import { chainEnvironment, payerWith, receivedOnChain, startTestChain, usdcBalance } from '../support/chain';
import { challengeOf, signChallenge } from '../support/sign-in';
import { instructionsOf, paidByHand, payingWallet, proofHeader, topUpWallet } from '../support/transfers';
import { signUpto, uptoPayerWith } from '../support/upto';
import { chat } from '../support/world';
import {
  expectBooksAsOnChain,
  inHeader,
  rowsOf,
  signPayment,
  startX402World,
  untilOffered,
  walletCredit,
  type X402World,
} from '../support/x402-world';

const ONE_USDC = 1_000_000n;
/** x402 v1 has no name for it. */
const POLYGON_AMOY = 80_002;
const PAYOUT = { EVM_PAYOUT_KEY: DEV_WALLETS.payTo.privateKey };

const directory = mkdtempSync(join(tmpdir(), 'tollbridge-test-networks-'));
let world: X402World;
let [here, there]: [string, string] = [] as never;
let other: LocalChain;

beforeAll(async () => {
  other = (await startTestChain({ chainId: POLYGON_AMOY })).chain;
  const path = join(directory, 'networks.json');
  const fromEnvironment = { EVM_PRIVATE_KEY: { env: 'EVM_PRIVATE_KEY' } };
  writeFileSync(
    path,
    JSON.stringify([{ ...chainEnvironment(other), ...PAYOUT, ...fromEnvironment, EVM_OP_STACK: false }]),
  );
  world = await startX402World({ env: { ...PAYOUT, X402_NETWORKS_FILE: path } });
  [here, there] = [`eip155:${world.chain.chainId}`, `eip155:${other.chainId}`];
});
afterAll(async () => {
  await world?.stop();
  await other?.stop();
  rmSync(directory, { recursive: true, force: true });
});

const rowOf = async (scheme: string, network: string) =>
  (await rowsOf(chat(world.url, undefined))).find((row) => row.scheme === scheme && row.network === network)!;

test('every network is offered and paid on, and a balance leaves on the network that its wallet chooses', async () => {
  const rows = await rowsOf(chat(world.url, undefined));
  expect(rows.map(({ scheme, network }) => `${scheme} ${network}`).toSorted()).toEqual(
    ['batch-settlement', 'exact', 'upto'].flatMap((scheme) => [there, here].map((network) => `${scheme} ${network}`)),
  );

  // Paid on the second one: by exact, by upto, by a transfer.
  const payer = await payerWith(other, ONE_USDC);
  const exact = await rowOf('exact', there);
  expect((await chat(world.url, undefined, {}, inHeader(await signPayment(payer, exact)))).status).toBe(200);
  expect(await usdcBalance(other, payer.address)).toBe(ONE_USDC - BigInt(exact.amount));
  const uptoPayer = await uptoPayerWith(other, ONE_USDC);
  const upto = inHeader(await signUpto(uptoPayer, await rowOf('upto', there)));
  expect((await chat(world.url, undefined, {}, upto)).status).toBe(200);
  expect(await usdcBalance(other, uptoPayer.address)).toBeLessThan(ONE_USDC);
  const hint = { 'wallet-provider': 'metamask' };
  const asked = await json(await chat(world.url, undefined, {}, hint));
  expect(asked.transfers.map(({ network }: { network: string }) => network)).toEqual([here, there]);
  const wallet = await payingWallet(other, ONE_USDC);
  const proof = proofHeader(await paidByHand(wallet, instructionsOf(asked, there)));
  expect((await chat(world.url, undefined, {}, { ...hint, ...proof })).status).toBe(200);

  // A payment for one network is none for the other.
  const stranger = await signPayment(await payerWith(world.chain, ONE_USDC), { ...exact, network: 'eip155:1' });
  expect(await json(await chat(world.url, undefined, {}, inHeader(stranger)))).toMatchObject({
    code: 'invalid_network',
  });

  // Topped up here, taken back there.
  await topUpWallet(world, await payerWith(other, 5n * ONE_USDC), '5', there);
  const saver = await payerWith(world.chain, 5n * ONE_USDC);
  await topUpWallet(world, saver, '5', here);
  const ask = (body: unknown) => post(world, '/v1/wallet/withdrawals/quote', undefined, body).then(json);
  expect(await ask({ amount: '1', network: 'eip155:1' })).toMatchObject({ status: 400, code: 'network_not_offered' });
  expect(await ask({ amount: '1' })).toMatchObject({ network: here });
  const { quote, network } = await ask({ amount: '1.5', network: there });
  expect(network).toBe(there);
  const challenge = challengeOf(await fetch(`${world.url}/v1/wallet/withdrawals`));
  const sent = await post(world, '/v1/wallet/withdrawals', undefined, { quote }, await signChallenge(saver, challenge));
  expect(await json(sent)).toMatchObject({ state: 'settled', network: there });
  expect(await usdcBalance(other, saver.address)).toBe(1_500_000n);
  expect(await usdcBalance(world.chain, saver.address)).toBe(0n);
  expect(await walletCredit(world, saver.address)).toBeLessThan(3_500_000n);

  // The books of both, as their chains have them.
  await expectBooksAsOnChain(world);
  const { posted } = await world.app
    .get(LedgerAccountsService)
    .balance(chainReceipts(there, DEV_WALLETS.payTo.address));
  expect(-posted.atoms).toBe((await receivedOnChain(other)) - 1_500_000n);
});

test('a network that is away is not offered, and the other one goes on', async () => {
  world.node.rule = () => 'cut';
  const lost = await signPayment(await payerWith(world.chain, ONE_USDC), await rowOf('exact', here));
  expect((await chat(world.url, undefined, {}, inHeader(lost))).status).toBe(503);
  const row = await rowOf('exact', there);
  expect((await rowsOf(chat(world.url, undefined))).map(({ network }) => network)).not.toContain(here);
  const unpaid = await json(await chat(world.url, undefined));
  expect(unpaid.unavailable).toMatchObject([{ network: here }]);
  const payment = await signPayment(await payerWith(other, ONE_USDC), row);
  expect((await chat(world.url, undefined, {}, inHeader(payment))).status).toBe(200);
  world.node.rule = () => 'pass';
  await untilOffered(world);
});
