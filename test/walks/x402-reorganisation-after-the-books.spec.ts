import { createTestClient, http, type PrivateKeyAccount } from 'viem';
import { customerReceivable } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { until } from '../support/calls';
import { payerWith, pastOnChain, receivedOnChain, usdcBalance } from '../support/chain';
import { allPass, concerns } from '../support/rpc-proxy';
import { signUpto, uptoPayerWith } from '../support/upto';
import {
  askedFor,
  expectBooksAsOnChain,
  inHeader,
  signPayment,
  sql,
  startX402World,
  walletCredit,
  type X402World,
} from '../support/x402-world';
import { chat } from '../support/world';

const ONE_USDC = 1_000_000n;
const SHORT_SECONDS = 10;

let world: X402World;

beforeAll(async () => {
  world = await startX402World();
});
afterEach(async () => {
  world.node.rule = allPass;
  await expectBooksAsOnChain(world);
});
afterAll(() => world?.stop());

const asked = (scheme: string) => askedFor(chat(world.url, undefined), scheme);
const stateOf = async ({ address }: PrivateKeyAccount) =>
  (
    await sql(world, 'SELECT state FROM reversed_transfers WHERE payment_id LIKE $1', [`%${address.toLowerCase()}%`])
  ).map(({ state }) => state);
const kinds = async ({ address }: PrivateKeyAccount) =>
  (
    await sql(world, 'SELECT kind FROM journal_entries WHERE key LIKE $1 ORDER BY id', [`%${address.toLowerCase()}%`])
  ).map(({ kind }) => kind);
const owedBy = async ({ address }: PrivateKeyAccount): Promise<bigint> => {
  const [{ id }] = await sql(world, 'SELECT id FROM customers WHERE wallet_address = $1', [address.toLowerCase()]);
  return -(await world.app.get(LedgerAccountsService).balance(customerReceivable(id, 'USDC'))).posted.atoms;
};

/** The newest block is another one now, without the transactions that were in it; nothing that is sent arrives. */
async function newestBlockIsLost(): Promise<void> {
  await until(
    () => sql(world, `SELECT state FROM chain_transactions WHERE state = 'signed'`),
    (open) => open.length === 0,
  );
  world.node.rule = ({ method }) => (method === 'eth_sendRawTransaction' ? 'cut' : 'pass');
  const chain = createTestClient({ mode: 'anvil', transport: http(world.chain.rpcUrl) });
  await chain.request({ method: 'anvil_reorg' as never, params: [1, []] as never });
}

interface Story {
  readonly payer: PrivateKeyAccount;
  readonly send: () => Promise<Response>;
}

async function exactCall(body: Record<string, unknown>, validBefore?: string): Promise<Story> {
  const payer = await payerWith(world.chain, ONE_USDC);
  const change = validBefore === undefined ? {} : { validBefore };
  const headers = inHeader(await signPayment(payer, await asked('exact'), change));
  return { payer, send: () => chat(world.url, undefined, body, headers) };
}

async function uptoCall(body: Record<string, unknown>): Promise<Story> {
  const payer = await uptoPayerWith(world.chain, ONE_USDC);
  const headers = inHeader(await signUpto(payer, await asked('upto')));
  return { payer, send: () => chat(world.url, undefined, body, headers) };
}

test.each([
  ['exact, plain', () => exactCall({ n: 1 })],
  ['exact, streamed', () => exactCall({ stream: true })],
  ['upto, plain', () => uptoCall({ n: 1 })],
  ['upto, streamed', () => uptoCall({ stream: true })],
])('%s: what was booked is taken back when its block is lost, owed meanwhile, and booked again', async (_, begin) => {
  const { payer, send } = await begin();
  const received = await receivedOnChain(world.chain);
  const answer = await send();
  expect(answer.status).toBe(200);
  const text = await answer.text();
  await until(
    () => receivedOnChain(world.chain),
    (now) => now > received,
  );
  await until(
    () => sql(world, `SELECT key FROM claims WHERE state IN ('working', 'settling')`),
    (open) => open.length === 0,
  );
  const [credit, paid] = [
    await walletCredit(world, payer.address),
    ONE_USDC - (await usdcBalance(world.chain, payer.address)),
  ];

  await newestBlockIsLost();
  await until(
    () => stateOf(payer),
    ([state]) => state === 'reversed',
  );
  await expectBooksAsOnChain(world);
  expect(await receivedOnChain(world.chain)).toBe(received);
  expect(await owedBy(payer)).toBe(paid - credit);
  const other = await chat(world.url, undefined, {}, inHeader(await signPayment(payer, await asked('exact'))));
  expect({ status: other.status, ...((await other.json()) as object) }).toMatchObject({ code: 'payment_owed' });
  // The answer was given: a repeat gets it again, whatever became of the block.
  expect(await (await send()).text()).toBe(text);

  world.node.rule = allPass;
  await until(
    () => stateOf(payer),
    ([state]) => state === 'settled',
    30_000,
  );
  expect(await owedBy(payer)).toBe(0n);
  expect(await walletCredit(world, payer.address)).toBe(credit);
  expect(ONE_USDC - (await usdcBalance(world.chain, payer.address))).toBe(paid);
  expect((await kinds(payer)).slice(1, 3)).toEqual(['transfer_reversed', 'transfer_settled_again']);
});

test('lost for good: it lapses before it can be sent again, so it stays owed, and its nonce is used up by nothing', async () => {
  const validBefore = String(Math.floor(Date.now() / 1000) + SHORT_SECONDS);
  const { payer, send } = await exactCall({}, validBefore);
  expect((await send()).status).toBe(200);
  await newestBlockIsLost();
  await until(
    () => stateOf(payer),
    ([state]) => state === 'reversed',
  );
  await pastOnChain(world.chain, Number(validBefore));
  const next = await exactCall({});
  const waiting = next.send();
  // No node takes it any more: what is behind it would wait for ever.
  world.node.rule = (call) =>
    call.method === 'eth_sendRawTransaction' && concerns(call, payer.address) ? 'cut' : 'pass';

  await until(
    () => stateOf(payer),
    ([state]) => state === 'lost',
    40_000,
  );
  expect(await owedBy(payer)).toBeGreaterThan(0n);
  const cancelling = () =>
    sql(
      world,
      `SELECT other.state FROM chain_transactions mine JOIN chain_calls ON transaction = hash
       JOIN chain_transactions other USING (network, signer, nonce)
      WHERE reference LIKE $1 AND mine.state = 'dropped' AND other.hash <> mine.hash`,
      [`%${payer.address.toLowerCase()}%`],
    );
  await until(cancelling, ([cancelled]) => cancelled?.state === 'mined');
  expect(await usdcBalance(world.chain, payer.address)).toBe(ONE_USDC);
  await (await waiting).text();
  expect((await next.send()).status).toBe(200);
});
