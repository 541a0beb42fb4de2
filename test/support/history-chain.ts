import type { PrivateKeyAccount } from 'viem';
import { chainPending, chainReceipts } from '../../src/ledger/ledger-account';
import { LedgerAccountsService } from '../../src/ledger/ledger-accounts.service';
import { startUpstream, type Upstream } from '../../src/local/upstream/upstream-simulator';
import { JobsService } from '../../src/jobs/jobs.service';
import { type LocalChain, DEV_WALLETS } from '../../src/local/chain';
import type { DatabaseService } from '../../src/database/database.service';
import type { PaymentRequirements } from '../../src/payments/payment-scheme';
import type { TestApp } from './app';
import { payerWith, startTestChain, usdcBalance } from './chain';
import type { UsdcAction } from './history';
import { insist, post } from './history-asking';
import { FLAT, PAYS_OUT } from './usdc-refunds';
import { chat } from './world';
import { inHeader, rowsOf, signPayment } from './x402-world';

/** A wallet of one life, and what it has paid, the oldest first. */
export interface Payer {
  readonly account: PrivateKeyAccount;
  readonly payments: { readonly subject: { callId: string } | { topUpId: string }; readonly atoms: bigint }[];
}

/** A chain, what calls are for, and the variables with which an application knows of both. */
interface ChainSide {
  readonly chain: LocalChain;
  readonly upstream: Upstream;
  readonly env: Record<string, string>;
}

export async function startChainSide(): Promise<ChainSide> {
  const { chain, env } = await startTestChain();
  const upstream = await startUpstream();
  return { chain, upstream, env: { ...env, ...PAYS_OUT, UPSTREAM_URL: upstream.url } };
}

/** $10,000: nobody runs dry. */
const PURSE = 10_000_000_000n;
/** Paid in by who has paid nothing that could go back. */
const FIRST_CENTS = 700;
/** Micro-USDC in a cent. */
const CENT = 10_000n;

/** What happens to money in USDC. Each request is sent by a payer, or an operator, who insists on an answer. */
export class HistoryChain {
  private readonly jobs: JobsService;
  private readonly chain: LocalChain;

  constructor(
    private readonly test: TestApp,
    private readonly database: DatabaseService,
    private readonly side: ChainSide,
  ) {
    this.chain = side.chain;
    this.jobs = test.app.get(JobsService, { strict: false });
  }

  async payer(): Promise<Payer> {
    return { account: await payerWith(this.chain, PURSE), payments: [] };
  }

  /** @param copies of each request, at once. @returns what came of it */
  async act(action: UsdcAction, payer: Payer, key: string, copies: number): Promise<string> {
    switch (action.act) {
      case 'usdc top-up':
        return this.topUp(payer, action.cents, action.own ? '' : key, copies);
      case 'usdc call':
        return this.call(payer, copies);
      case 'usdc refund':
        return this.refund(payer, action, action.own ? '' : key, copies);
    }
  }

  /** What `payTo` has on the chain and in the books, and what the books have on its way, in micro-USDC. */
  async balances(): Promise<{ onChain: bigint; onBooks: bigint; pending: bigint }> {
    const network = `eip155:${this.chain.chainId}`;
    const accounts = this.test.app.get(LedgerAccountsService, { strict: false });
    return {
      onChain: await usdcBalance(this.chain, DEV_WALLETS.payTo.address),
      onBooks: -(await accounts.balance(chainReceipts(network, DEV_WALLETS.payTo.address))).posted.atoms,
      pending: (await accounts.balance(chainPending(network))).posted.atoms,
    };
  }

  /** The customers behind wallets, and what is left in them. */
  async wallets(payers: readonly Payer[]): Promise<{ customerIds: string[]; purses: bigint[] }> {
    const addresses = payers.map(({ account }) => account.address);
    const rows = await this.database.query<{ id: string; address: string }>(
      'SELECT id, wallet_address AS address FROM customers WHERE wallet_address = ANY ($1)',
      [addresses.map((address) => address.toLowerCase())],
    );
    const idOf = (address: string) => rows.find((row) => row.address === address.toLowerCase())?.id ?? [];
    return {
      customerIds: addresses.flatMap(idOf),
      purses: await Promise.all(addresses.map((address) => usdcBalance(this.chain, address))),
    };
  }

  async stop(): Promise<void> {
    await this.side.upstream.stop();
    await this.chain.stop();
  }

  /** Until nothing is on its way: who had begun it is dead, whatever its lease says, and another one goes on. */
  async settled(): Promise<void> {
    while (await this.isOnItsWay()) await this.recover();
  }

  private async topUp(payer: Payer, cents: number, key: string, copies: number): Promise<string> {
    const amount = (cents / 100).toFixed(2);
    const request = (headers: Record<string, string>) => post(this.test, '/v1/topups/usdc', { amount }, key, headers);
    const payment = await this.signed(payer, request({}));
    const { status, body } = await insist(
      () => request(inHeader(payment)),
      copies,
      () => this.settled(),
    );
    if (status !== 201) return `${status} ${body.code}`;
    payer.payments.push({ subject: { topUpId: body.id }, atoms: BigInt(cents) * CENT });
    return `${status}`;
  }

  private async call(payer: Payer, copies: number): Promise<string> {
    const payment = await this.signed(payer, chat(this.test.url, undefined, FLAT));
    const ask = () => chat(this.test.url, undefined, FLAT, inHeader(payment));
    const { status, body, headers } = await insist(ask, copies, () => this.settled());
    if (status !== 200) return `${status} ${body.code}`;
    payer.payments.push({
      subject: { callId: headers.get('x-request-id') ?? '' },
      atoms: BigInt(payment.accepted.amount),
    });
    return `${status}`;
  }

  private async refund(
    payer: Payer,
    { which, percent, to, force }: Extract<UsdcAction, { act: 'usdc refund' }>,
    key: string,
    copies: number,
  ): Promise<string> {
    const { payments } = payer;
    if (payments.length === 0) await this.topUp(payer, FIRST_CENTS, key, copies);
    const payment = payments[which % payments.length];
    if (!payment) return 'no payment';
    const part = (payment.atoms * BigInt(percent)) / 100n;
    const amount =
      percent === 0 ? {} : { amount: `${part / 1_000_000n}.${String(part % 1_000_000n).padStart(6, '0')}` };
    const order = { ...payment.subject, ...amount, to, force };
    const headers = { 'idempotency-key': crypto.randomUUID() };
    const ask = () => post(this.test, '/admin/usdc-refunds', order, this.test.adminToken, headers);
    const { status, body } = await insist(ask, copies, () => this.settled());
    return status === 201 ? '201' : `${status} ${body.code}`;
  }

  private async signed({ account }: Payer, unpaid: Promise<Response>) {
    const [required] = await rowsOf(unpaid);
    return signPayment(account, required as PaymentRequirements);
  }

  private async isOnItsWay(): Promise<boolean> {
    const rows = await this.database.query(
      `SELECT FROM claims WHERE state IN ('working', 'settling', 'in_doubt', 'promised')
       UNION ALL SELECT FROM withdrawals WHERE state = 'settling' LIMIT 1`,
    );
    return rows.length > 0;
  }

  private async recover(): Promise<void> {
    const over = `lease_until = now() - interval '1 second'`;
    await this.database.query(
      `UPDATE claims SET ${over} WHERE state IN ('working', 'settling', 'in_doubt', 'promised')`,
    );
    await this.database.query(`UPDATE withdrawals SET ${over} WHERE state = 'settling'`);
    for (const job of [`reconcile-exact-eip155:${this.chain.chainId}`, 'reconcile-exact', 'settle-withdrawals']) {
      await this.jobs.runNow(job);
    }
  }
}
