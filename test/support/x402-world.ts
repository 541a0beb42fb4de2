import { randomBytes } from 'node:crypto';
import type { PrivateKeyAccount } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { chainReceipts, customerCredits } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { LedgerVerifyService } from '../../src/ledger/ledger-verify.service';
import { DatabaseService } from '../../src/database/database.service';
import { type ChainOptions, DEV_WALLETS, type LocalChain } from '../../src/local/chain';
import { GasBooks } from '../../src/payments/chain/gas-books.service';
import type { PaymentRequirements } from '../../src/payments/payment-scheme';
import { startAppOn, type TestApp } from './app';
import { expectAllMatched, reconcileChain } from './chain-watch';
import { mintTo, receivedOnChain, startTestChain } from './chain';
import { type RpcProxy, startRpcProxy } from './rpc-proxy';
import { until } from './calls';
import { chat, startWorld, type World } from './world';

/** A chain, an upstream, and the application between them, which reaches the chain through a node that can go away. */
export interface X402World extends World {
  readonly chain: LocalChain;
  readonly node: RpcProxy;
  /** The first one is the world itself. */
  readonly replicas: readonly TestApp[];
  readonly env: Readonly<Record<string, string>>;
}

export async function startX402World(
  options: ChainOptions & { replicas?: number; env?: Record<string, string> } = {},
): Promise<X402World> {
  const { replicas = 1, env: extra = {}, ...ofChain } = options;
  const { chain, env: chainEnv } = await startTestChain(ofChain);
  const node = await startRpcProxy(chain.rpcUrl);
  const given = { ...chainEnv, EVM_RPC_URL: node.url, ...extra };
  const world = await startWorld(given);
  const env = { ...given, UPSTREAM_URL: world.upstream.url };
  const others: TestApp[] = [];
  while (others.length < replicas - 1) others.push(await startAppOn({ url: world.databaseUrl }, env));
  return {
    ...world,
    chain,
    node,
    env,
    replicas: [world, ...others],
    stop: async () => {
      for (const other of others) await other.stop();
      await world.stop();
      await node.stop();
      await chain.stop();
    },
  };
}

/** As many fresh wallets with this much USDC each. */
export async function payersWith(chain: LocalChain, count: number, atoms: bigint) {
  const payers = Array.from({ length: count }, () => privateKeyToAccount(generatePrivateKey()));
  await mintTo(
    chain,
    payers.map(({ address }) => address),
    atoms,
  );
  return payers;
}

/** EIP-3009, as a payer signs it. Integers are decimal strings. */
export interface Authorization {
  from: string;
  to: string;
  value: string;
  validAfter: string;
  validBefore: string;
  nonce: string;
}

/** An x402 v2 payment as it is in its header, open to be spoiled. */
export interface SignedPayment {
  x402Version: number;
  accepted: PaymentRequirements;
  payload: { authorization: Authorization; signature: string };
}

/** The payment that a wallet signs for what is asked of it, as stock clients do; `change` is signed with it. */
export async function signPayment(
  payer: PrivateKeyAccount,
  accepted: PaymentRequirements,
  change: Partial<Authorization> = {},
  signer: PrivateKeyAccount = payer,
): Promise<SignedPayment> {
  const now = Math.floor(Date.now() / 1000);
  const authorization: Authorization = {
    from: payer.address,
    to: accepted.payTo,
    value: accepted.amount,
    validAfter: String(now - 600),
    validBefore: String(now + accepted.maxTimeoutSeconds),
    nonce: `0x${randomBytes(32).toString('hex')}`,
    ...change,
  };
  const signature = await signer.signTypedData({
    domain: {
      name: String(accepted.extra['name']),
      version: String(accepted.extra['version']),
      chainId: Number(accepted.network.split(':')[1]),
      verifyingContract: accepted.asset as `0x${string}`,
    },
    types: TRANSFER_WITH_AUTHORIZATION,
    primaryType: 'TransferWithAuthorization',
    message: {
      from: authorization.from as `0x${string}`,
      to: authorization.to as `0x${string}`,
      value: BigInt(authorization.value),
      validAfter: BigInt(authorization.validAfter),
      validBefore: BigInt(authorization.validBefore),
      nonce: authorization.nonce as `0x${string}`,
    },
  });
  return { x402Version: 2, accepted, payload: { authorization, signature } };
}

export const inHeader = (payment: unknown): Record<string, string> => ({
  'payment-signature': Buffer.from(JSON.stringify(payment)).toString('base64'),
});

/** What the 402 to this request asks for, by the first scheme of that name. */
export async function askedFor(unpaid: Promise<Response>, scheme = 'exact'): Promise<PaymentRequirements> {
  return (await rowsOf(unpaid)).find((row) => row.scheme === scheme) as PaymentRequirements;
}

/** Every x402 way to pay that the 402 to this request offers. */
export async function rowsOf(unpaid: Promise<Response>): Promise<PaymentRequirements[]> {
  const header = (await unpaid).headers.get('payment-required') ?? '';
  return JSON.parse(Buffer.from(header, 'base64').toString()).accepts;
}

/** Until a world whose node was away offers payments on its chain again, as it does by itself. */
export const untilOffered = (world: Pick<TestApp, 'url'>): Promise<PaymentRequirements[]> =>
  until(
    () => rowsOf(chat(world.url, undefined)),
    (rows) => rows.length > 0,
  );

/**
 * The books after a story: they are proved, hold nothing any more, and say of the chain what the chain says itself.
 * Returns what was received, in micro-USDC. A story below the gateway writes no usage.
 */
export async function expectBooksAsOnChain(world: X402World, withUsage = true): Promise<bigint> {
  const report = await world.app.get(LedgerVerifyService).verify();
  const wrong = report.checks.filter(({ ok, name }) => !ok && (withUsage || !name.startsWith('usage_')));
  expect(wrong).toEqual([]);
  const open = await sql(world, `SELECT id FROM holds WHERE state = 'open'`);
  expect(open).toEqual([]);
  const account = chainReceipts(`eip155:${world.chain.chainId}`, DEV_WALLETS.payTo.address);
  const { posted } = await world.app.get(LedgerAccountsService).balance(account);
  const received = await receivedOnChain(world.chain);
  expect(-posted.atoms).toBe(received);
  expectAllMatched(await reconcileChain(world));
  return received;
}

// oxlint-disable-next-line typescript/no-explicit-any -- rows of many shapes, looked into by tests
export const sql = ({ app }: Pick<TestApp, 'app'>, text: string, parameters: unknown[] = []): Promise<any[]> =>
  app.get(DatabaseService).query(text, parameters);

/** What a wallet has left, in micro-USDC: its customer is found by its address. */
export async function walletCredit(world: Pick<TestApp, 'app'>, address: string): Promise<bigint> {
  const [customer] = await sql(world, 'SELECT id FROM customers WHERE wallet_address = $1', [address.toLowerCase()]);
  if (!customer) return 0n;
  return (await world.app.get(LedgerAccountsService).balance(customerCredits(customer.id, 'USDC'))).available.atoms;
}

/**
 * How many entries there are, and how many claims: neither may grow by a request that did nothing. Counted when all is
 * quiet: what earlier requests set in motion lands after their answers, and what this one did might do so too.
 */
export async function countOfBooks(world: Pick<TestApp, 'app'>): Promise<{ entries: number; claims: number }> {
  await until(
    () => inMotion(world),
    (rows) => rows.length === 0,
    40_000,
  );
  const [row] = await sql(
    world,
    'SELECT (SELECT count(*)::int FROM journal_entries) AS entries, (SELECT count(*)::int FROM claims) AS claims',
  );
  return row;
}

/** What will still come on the books by itself: claims that are worked on, and transactions whose gas is not there yet. */
async function inMotion(world: Pick<TestApp, 'app'>): Promise<unknown[]> {
  await world.app.get(GasBooks, { strict: false }).post();
  return sql(
    world,
    `SELECT key AS what, state FROM claims WHERE state IN ('working', 'settling', 'promised')
     UNION ALL SELECT hash, state FROM chain_transactions
      WHERE state = 'signed' OR fee_wei IS NULL AND state IN ('mined', 'reverted')`,
  );
}

const TRANSFER_WITH_AUTHORIZATION = {
  TransferWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const;
