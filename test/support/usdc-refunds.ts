import { createPublicClient, http, parseAbiItem, type PrivateKeyAccount } from 'viem';
import { chainPending, chainReceipts, refundsGiven } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { LedgerVerifyService } from '../../src/ledger/ledger-verify.service';
import { DEV_WALLETS } from '../../src/local/chain';
import { until } from './calls';
import type { Json } from './card-world';
import { payerWith, receivedOnChain } from './chain';
import { expectAllMatched, reconcileChain } from './chain-watch';
import { askedFor, inHeader, rowsOf, signPayment, sql, type X402World } from './x402-world';
import { chat } from './world';

/** With this a world pays out. */
export const PAYS_OUT = { EVM_PAYOUT_KEY: DEV_WALLETS.payTo.privateKey };

/** A request of the flat price: $0.10. */
export const FLAT = { model: 'flat' };
export const FLAT_ATOMS = 100_000n;

/** A call of the flat price that a new wallet with one USDC paid: who paid, and the call. */
export async function paidCall(
  world: X402World,
): Promise<{ payer: PrivateKeyAccount; callId: string; invoice: string }> {
  const payer = await payerWith(world.chain, 1_000_000n);
  const required = await askedFor(chat(world.url, undefined, FLAT));
  const answer = await chat(world.url, undefined, FLAT, inHeader(await signPayment(payer, required)));
  if (answer.status !== 200) throw new Error(await answer.text());
  const { headers } = answer;
  return { payer, callId: headers.get('x-request-id') ?? '', invoice: headers.get('x-tollbridge-invoice') ?? '' };
}

/** `POST /admin/usdc-refunds` */
export async function refundUsdc(
  world: Pick<X402World, 'url' | 'adminToken'>,
  body: Json,
  key?: string,
): Promise<{ status: number; body: Json }> {
  const answer = await fetch(`${world.url}/admin/usdc-refunds`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${world.adminToken}`,
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

/** Tops up a customer's USD balance, or with no key the wallet's own, by one x402 payment. Returns the answer. */
export async function topUpInUsdc(
  world: X402World,
  wallet: PrivateKeyAccount,
  amount: string,
  key = '',
): Promise<Json> {
  const request = (headers: Record<string, string> = {}) =>
    fetch(`${world.url}/v1/topups/usdc`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key === '' ? {} : { authorization: `Bearer ${key}` }),
        ...headers,
      },
      body: JSON.stringify({ amount }),
    });
  const [required] = await rowsOf(request());
  const answer = await request(inHeader(await signPayment(wallet, required as never)));
  if (answer.status !== 201) throw new Error(await answer.text());
  return answer.json();
}

/** Until nothing that is paid out is on its way any more, whatever lease somebody has on it. */
export async function untilPaidOut(world: X402World): Promise<void> {
  await until(
    async () => {
      await sql(world, `UPDATE withdrawals SET lease_until = now() WHERE state = 'settling'`);
      return sql(world, `SELECT id FROM withdrawals WHERE state = 'settling'`);
    },
    (open) => open.length === 0,
    30_000,
  );
}

/** What `payTo` has sent away, says the chain. */
export async function paidOut(world: X402World, to?: `0x${string}`): Promise<bigint> {
  const logs = await createPublicClient({ transport: http(world.chain.rpcUrl) }).getLogs({
    address: world.chain.usdc,
    event: parseAbiItem('event Transfer(address indexed from, address indexed to, uint256 value)'),
    args: { from: DEV_WALLETS.payTo.address, ...(to === undefined ? {} : { to }) },
    fromBlock: 0n,
  });
  return logs.reduce((sum, { args }) => sum + (args.value ?? 0n), 0n);
}

/** Σ ledger = Σ chain: what came in less what was paid out, transfer by transfer; nothing is on its way any more, and every check holds. */
export async function expectBooksAreEven(world: X402World, withUsage = true): Promise<void> {
  const report = await world.app.get(LedgerVerifyService).verify();
  expect(report.checks.filter(({ ok, name }) => !ok && (withUsage || !name.startsWith('usage_')))).toEqual([]);
  expect(await sql(world, `SELECT id FROM holds WHERE state = 'open'`)).toEqual([]);
  const network = `eip155:${world.chain.chainId}`;
  const accounts = world.app.get(LedgerAccountsService);
  const { posted } = await accounts.balance(chainReceipts(network, DEV_WALLETS.payTo.address));
  expect(-posted.atoms).toBe((await receivedOnChain(world.chain)) - (await paidOut(world)));
  expect((await accounts.balance(chainPending(network))).posted.atoms).toBe(0n);
  expectAllMatched(await reconcileChain(world));
}

/** What was given back of charges, says the ledger, in micro-USDC. */
export async function refundsOnTheBooks({ app }: X402World): Promise<bigint> {
  return -(await app.get(LedgerAccountsService).balance(refundsGiven('USDC'))).posted.atoms;
}
