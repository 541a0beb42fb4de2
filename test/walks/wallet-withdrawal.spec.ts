import { createTestClient, http, type PrivateKeyAccount } from 'viem';
import { WithdrawalSettlement } from '../../src/payments/wallet/withdrawal-settlement.service';
import { payerWith, usdcBalance } from '../support/chain';
import { allPass } from '../support/rpc-proxy';
import { until } from '../support/calls';
import { challengeOf, signChallenge } from '../support/sign-in';
import { topUpWallet } from '../support/transfers';
import { expectBooksAreEven, PAYS_OUT } from '../support/usdc-refunds';
import { countOfBooks, sql, startX402World, walletCredit, type X402World } from '../support/x402-world';

let world: X402World;

beforeAll(async () => {
  world = await startX402World({ replicas: 2, env: PAYS_OUT });
});
afterEach(() => expectBooksAreEven(world, false));
afterAll(() => world?.stop());

const PATH = '/v1/wallet/withdrawals';
// oxlint-disable-next-line typescript/no-explicit-any -- answers of many shapes, looked into by tests
const post = async (path: string, body: unknown, headers: Record<string, string> = {}): Promise<any> => {
  const response = await fetch(`${world.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return { status: response.status, ...((await response.json()) as object), response };
};
const quoteFor = (amount: string) => post(`${PATH}/quote`, { amount });
const signedIn = async (wallet: PrivateKeyAccount) =>
  signChallenge(wallet, challengeOf(await fetch(`${world.url}${PATH}`)));

test('a wallet takes its balance back: the fee is stated first, and the chain and the books agree', async () => {
  const wallet = await payerWith(world.chain, 5_000_000n);
  await topUpWallet(world, wallet, '5');
  expect(await usdcBalance(world.chain, wallet.address)).toBe(0n);

  const quote = await quoteFor('1.5');
  expect(quote).toMatchObject({ status: 200, amount: '1.5', quote: expect.stringMatching(/^tbq_/) });
  const fee = BigInt(Math.round(Number(quote.fee) * 1e6));
  expect(fee).toBeGreaterThan(0n);

  const unsigned = await post(PATH, { quote: quote.quote });
  expect(unsigned).toMatchObject({ status: 402, code: 'sign_in_required' });
  const headers = await signedIn(wallet);
  const sent = await post(PATH, { quote: quote.quote }, headers);
  expect(sent).toMatchObject({ status: 202, state: 'settled', amount: '1.5', to: wallet.address.toLowerCase() });
  expect(await usdcBalance(world.chain, wallet.address)).toBe(1_500_000n);
  expect(await walletCredit(world, wallet.address)).toBe(3_500_000n - fee);

  const { response: _first, ...first } = sent;
  const { response: _again, ...again } = await post(PATH, { quote: quote.quote }, headers);
  expect(again).toEqual(first);
  expect(await usdcBalance(world.chain, wallet.address)).toBe(1_500_000n);
  const listed = await fetch(`${world.url}${PATH}`, { headers: await signedIn(wallet) });
  const { status: _status, ...withdrawal } = first;
  expect(await listed.json()).toEqual([withdrawal]);
});

test('twenty copies of one request take once', async () => {
  const wallet = await payerWith(world.chain, 5_000_000n);
  await topUpWallet(world, wallet, '5');
  const { quote } = await quoteFor('0.3');
  const headers = await signedIn(wallet);

  const copies = await Promise.all(Array.from({ length: 20 }, () => post(PATH, { quote }, headers)));
  expect(copies.map(({ status }) => status)).toEqual(Array(20).fill(202));
  expect(new Set(copies.map(({ id }) => id)).size).toBe(1);
  await settled(copies[0].id);
  expect(await usdcBalance(world.chain, wallet.address)).toBe(300_000n);
});

test('two requests at once for more than there is: the balance pays one', async () => {
  const wallet = await payerWith(world.chain, 2_000_000n);
  await topUpWallet(world, wallet, '2');
  const { quote } = await quoteFor('1');
  const headers = [await signedIn(wallet), await signedIn(wallet)];

  const outcomes = await Promise.all(headers.map((header) => post(PATH, { quote }, header)));
  expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set([202, 409]));
  expect(await usdcBalance(world.chain, wallet.address)).toBe(1_000_000n);
});

test('what cannot be taken is refused, and nothing moves', async () => {
  const wallet = await payerWith(world.chain, 1_000_000n);
  await topUpWallet(world, wallet, '1');
  const { quote } = await quoteFor('1');
  const { quote: small } = await quoteFor('0.5');
  const stranger = await payerWith(world.chain, 0n);
  const huge = await quoteFor('900000');
  const before = (await countOfBooks(world)).entries;

  expect(await post(PATH, { quote }, await signedIn(wallet))).toMatchObject({
    status: 409,
    code: 'insufficient_wallet_credit',
    available: '1',
  });
  expect(await post(PATH, { quote: small }, await signedIn(stranger))).toMatchObject({ status: 409 });
  expect(await post(PATH, { quote: huge.quote }, await signedIn(wallet))).toMatchObject({
    status: 503,
    code: 'payout_float_low',
  });
  expect(await post(PATH, { quote: `${small}x` }, await signedIn(wallet))).toMatchObject({
    status: 400,
    code: 'quote_invalid',
  });
  expect(await quoteFor('0')).toMatchObject({ status: 400, code: 'amount_out_of_range' });
  expect(await quoteFor('abc')).toMatchObject({ status: 400 });
  expect((await countOfBooks(world)).entries).toBe(before);
});

test.each(['cut', 'cut after'] as const)(
  'the broadcast is %s: it is in doubt for a while, and paid once',
  async (fate) => {
    const wallet = await payerWith(world.chain, 5_000_000n);
    await topUpWallet(world, wallet, '5');
    const { quote } = await quoteFor('0.4');
    const headers = await signedIn(wallet);
    const before = await walletCredit(world, wallet.address);

    world.node.rule = (call) => (call.method === 'eth_sendRawTransaction' ? fate : 'pass');
    const sending = post(PATH, { quote }, headers);
    await until(
      () => sql(world, `SELECT id FROM withdrawals WHERE state = 'settling'`),
      (rows) => rows.length === 1,
    );
    expect(await walletCredit(world, wallet.address)).toBeLessThan(before);
    world.node.rule = allPass;
    await settled((await sending).id);
    expect(await usdcBalance(world.chain, wallet.address)).toBe(400_000n);
  },
);

test('two replicas that recover the same withdrawals pay each once', async () => {
  const wallet = await payerWith(world.chain, 5_000_000n);
  await topUpWallet(world, wallet, '5');
  const { quote } = await quoteFor('0.2');
  world.node.rule = (call) => (call.method === 'eth_sendRawTransaction' || call.method === 'eth_call' ? 'cut' : 'pass');
  const headers = await signedIn(wallet);
  // Its float cannot be asked either: nothing is taken.
  expect(await post(PATH, { quote }, headers)).toMatchObject({ status: 503, code: 'chain_unavailable' });
  world.node.rule = (call) => (call.method === 'eth_sendRawTransaction' ? 'cut' : 'pass');
  const sending = post(PATH, { quote }, headers);
  await until(
    () => sql(world, `SELECT id FROM withdrawals WHERE state = 'settling'`),
    (rows) => rows.length === 1,
  );
  world.node.rule = allPass;
  const { id } = await sending;
  await sql(world, `UPDATE withdrawals SET lease_until = now() WHERE id = $1`, [id]);
  await Promise.all(
    world.replicas.flatMap(({ app }) => [app, app]).map((app) => app.get(WithdrawalSettlement).recover()),
  );
  await settled(id);
  expect(await usdcBalance(world.chain, wallet.address)).toBe(200_000n);
});

test('a withdrawal that was never mined lapses, and is on the balance again', async () => {
  const wallet = await payerWith(world.chain, 5_000_000n);
  await topUpWallet(world, wallet, '5');
  const before = await walletCredit(world, wallet.address);
  const { quote } = await quoteFor('0.5');
  world.node.rule = (call) =>
    call.method === 'eth_estimateGas' || call.method === 'eth_sendRawTransaction' ? 'cut' : 'pass';
  const { id } = await post(PATH, { quote }, await signedIn(wallet));
  expect(await walletCredit(world, wallet.address)).toBeLessThan(before);

  const chain = createTestClient({ mode: 'anvil', transport: http(world.chain.rpcUrl) });
  await chain.increaseTime({ seconds: 4_000 });
  await chain.mine({ blocks: 1 });
  world.node.rule = allPass;
  await sql(world, `UPDATE withdrawals SET lease_until = now() WHERE id = $1`, [id]);
  await world.app.get(WithdrawalSettlement).recover();
  const [{ state }] = await sql(world, 'SELECT state FROM withdrawals WHERE id = $1', [id]);
  expect(state).toBe('failed');
  expect(await walletCredit(world, wallet.address)).toBe(before);
  expect(await usdcBalance(world.chain, wallet.address)).toBe(0n);
});

/** In time a job finishes what a request could not; here it is not waited for. */
async function settled(id: string): Promise<void> {
  await until(
    async () => {
      await sql(world, `UPDATE withdrawals SET lease_until = now() WHERE id = $1 AND state = 'settling'`, [id]);
      await world.app.get(WithdrawalSettlement).recover();
      return sql(world, `SELECT state FROM withdrawals WHERE id = $1`, [id]);
    },
    ([{ state }]) => state === 'settled',
  );
}
