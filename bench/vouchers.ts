import { setTimeout as sleep } from 'node:timers/promises';
import { BatchSettlementEvmScheme, InMemoryClientChannelStorage } from '@x402/evm/batch-settlement/client';
import { ExactEvmScheme } from '@x402/evm/exact/client';
import { UptoEvmScheme } from '@x402/evm/upto/client';
import { Client } from 'pg';
import { privateKeyToAccount } from 'viem/accounts';
import Table from 'cli-table3';
import { DEV_WALLETS, fundEth, type LocalChain, startChain } from '../src/local/chain';
import { PricingService } from '../src/pricing/pricing.service';
import type { TestApp } from '../test/support/app';
import { chainEnvironment, mintTo } from '../test/support/chain';
import { approvePermit2 } from '../test/support/upto';
import { seedPrices } from '../test/support/world';
import { closedLoop, type LoopRun } from './closed-loop';
import { gasOfOthers } from './exact-gas';
import { type BenchPayer, newPayer } from './exact-payments';
import { Latencies, median } from './latencies';
import { startServers } from './servers';
import { fastSigner, StockClient } from './stock-client';

/** A flat price, so that a channel's next sum is known before the answer, and its vouchers can be signed in advance. */
const PRICE_ATOMS = 1_000n;
const BODY = JSON.stringify({
  model: 'thousandth',
  max_tokens: 32,
  messages: [{ role: 'user', content: 'Say something short about bridges.' }],
});
const AT_ONCE = 64;
const FUNDS = 10n ** 10n;
/** More than a payer is answered in a second: whoever has none left stops asking. */
const SIGNED_A_SECOND = { exact: 25, voucher: 80 } as const;

/** One payer of a scheme, and how to make so many payments that follow on what it has paid by now. */
interface Payer {
  sign(count: number): Promise<string[]>;
  /** Says how many of them were taken. */
  used(count: number): void;
}

/**
 * Calls paid by vouchers beside calls paid by `exact`, on one server and one chain, rounds interleaved, 64 payers at once.
 * The headers are made by the published clients before a window opens, for both alike, so that a client's processor time
 * is in neither figure. Settlement is included: every `exact` call waits for its transaction, and the claim job claims
 * the channels meanwhile. Returns what was sent, too.
 */
export async function voucherBench(
  { rounds, seconds }: { rounds: number; seconds: number },
  options: { blockTimeSeconds?: number } = {},
) {
  const chain = await startChain(options);
  // A local chain's gas is hundreds of times as dear as Base's: a coin is worth so much less, and claims are worth it.
  const servers = await startServers({ ...chainEnvironment(chain), EVM_GAS_USD_PER_COIN: '5' });
  try {
    await servers.withApp(pricesOf);
    await fundEth(chain.rpcUrl, DEV_WALLETS.facilitator.address, 10n ** 22n);
    const url = `${servers.appUrl}/v1/chat/completions`;
    await uptoCalls(chain, url);
    const payers = { exact: await exactPayers(chain, url), voucher: await channelPayers(chain, url) };
    const runs: Record<keyof typeof payers, LoopRun[]> = { exact: [], voucher: [] };
    for (const scheme of ['exact', 'voucher'] as const) await window(url, payers[scheme], 2, SIGNED_A_SECOND[scheme]);
    for (let round = 1; round <= rounds; round++) {
      for (const scheme of ['exact', 'voucher'] as const) {
        process.stderr.write(`vouchers, round ${round}/${rounds}, ${scheme} …\n`);
        runs[scheme].push(await window(url, payers[scheme], seconds, SIGNED_A_SECOND[scheme]));
      }
    }
    await claimed(servers.databaseUrl);
    const report = reportOf(runs);
    return { ...report, gas: await gasOfOthers(chain, servers.databaseUrl) };
  } finally {
    await servers.stop();
    await chain.stop();
  }
}

async function pricesOf(app: TestApp): Promise<void> {
  await seedPrices(app);
  const pricing = app.app.get(PricingService);
  const flat = pricing.modelFor('flat', '/v1/chat/completions');
  await pricing.putModel({ ...flat, id: 'thousandth' });
  await pricing.addPrice('thousandth', { perRequestNano: PRICE_ATOMS * 1_000n }, new Date(0));
}

async function fundedPayers(chain: LocalChain, count: number): Promise<BenchPayer[]> {
  const payers = Array.from({ length: count }, newPayer);
  await mintTo(
    chain,
    payers.map(({ address }) => address),
    FUNDS,
  );
  return payers;
}

/** One after the other: the gas of an `upto` settlement is all that is wanted of them. */
async function uptoCalls(chain: LocalChain, url: string): Promise<void> {
  const [payer] = (await fundedPayers(chain, 1)) as [BenchPayer];
  await fundEth(chain.rpcUrl, payer.address, 10n ** 18n);
  await approvePermit2(chain, privateKeyToAccount(payer.privateKey));
  const client = new StockClient(url, BODY, new UptoEvmScheme(fastSigner(payer)));
  for (let call = 0; call < 6; call++) await answered(client.call());
}

async function exactPayers(chain: LocalChain, url: string): Promise<Payer[]> {
  return (await fundedPayers(chain, AT_ONCE)).map((payer) => {
    const client = new StockClient(url, BODY, new ExactEvmScheme(fastSigner(payer)));
    return { sign: (count) => repeated(count, () => client.payment()), used: () => undefined };
  });
}

/** Some open their channel alone, the others all at once. */
async function channelPayers(chain: LocalChain, url: string): Promise<Payer[]> {
  const opened = (await fundedPayers(chain, AT_ONCE)).map((payer) => channelPayer(payer, url));
  for (const payer of opened.slice(0, 5)) await payer.open();
  await Promise.all(opened.slice(5).map((payer) => payer.open()));
  return opened;
}

function channelPayer(payer: BenchPayer, url: string): Payer & { open(): Promise<void> } {
  const storage = new LastChannel();
  const client = new StockClient(url, BODY, new BatchSettlementEvmScheme(fastSigner(payer), { storage }));
  let charged = PRICE_ATOMS;
  return {
    open: () => answered(client.call()),
    // A client that is told of each charge has these sums in its storage, one after the other.
    sign: (count) =>
      repeated(count, async (index) => {
        await storage.becomes(charged + PRICE_ATOMS * BigInt(index));
        return client.payment();
      }),
    used: (count) => (charged += PRICE_ATOMS * BigInt(count)),
  };
}

/** The published client's own storage, whose one channel can be moved on. */
class LastChannel extends InMemoryClientChannelStorage {
  private last = '';

  override set(...args: Parameters<InMemoryClientChannelStorage['set']>): Promise<void> {
    [this.last] = args;
    return super.set(...args);
  }

  async becomes(charged: bigint): Promise<void> {
    const channel = await this.get(this.last);
    await this.set(this.last, { ...channel, chargedCumulativeAmount: charged.toString() });
  }
}

async function repeated(count: number, make: (index: number) => Promise<string>): Promise<string[]> {
  const made: string[] = [];
  while (made.length < count) made.push(await make(made.length));
  return made;
}

async function answered(call: Promise<Response>): Promise<void> {
  const response = await call;
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
}

async function window(url: string, payers: readonly Payer[], seconds: number, perSecond: number): Promise<LoopRun> {
  const signed: string[][] = [];
  for (const payer of payers) signed.push(await payer.sign(seconds * perSecond));
  const left = signed.map((headers) => headers.toReversed());
  const run = await closedLoop(url, BODY, payers.length, seconds, (payer) => left[payer]?.pop());
  payers.forEach((payer, index) => payer.used((signed[index]?.length ?? 0) - (left[index]?.length ?? 0)));
  if (left.some((headers) => headers.length === 0)) process.stderr.write('A payer had no payments left.\n');
  return run;
}

/** A third of the withdraw delay passes, and the claim job claims what is left. */
async function claimed(databaseUrl: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  await client.query(`UPDATE channels SET unclaimed_since = unclaimed_since - interval '1 day'`);
  for (let second = 0; second < 60; second++) {
    const { rows } = await client.query('SELECT FROM channels WHERE charged > total_claimed LIMIT 1');
    if (rows.length === 0) break;
    await sleep(1000);
  }
  await client.end();
}

function reportOf(runs: { exact: readonly LoopRun[]; voucher: readonly LoopRun[] }) {
  const table = new Table({ head: ['64 payers, signed in advance', 'rps', 'p50 ms', 'p99 ms', 'failures'] });
  const summaries = (['exact', 'voucher'] as const).map((scheme) => {
    const latencies = Latencies.sum(runs[scheme].map((run) => run.latencies.counts));
    const rps = tenths(median(runs[scheme].map((run) => run.rps)));
    const failures = runs[scheme].reduce((sum, run) => sum + run.failures, 0);
    table.push([scheme, rps, tenths(latencies.quantile(0.5)), tenths(latencies.quantile(0.99)), failures]);
    return { rps, failures };
  });
  process.stdout.write(`${table.toString()}\n`);
  const [exact, voucher] = summaries as [{ rps: number; failures: number }, { rps: number; failures: number }];
  return {
    voucherRps: voucher.rps,
    voucherExactRps: exact.rps,
    voucherRatio: tenths(voucher.rps / exact.rps),
    voucherFailures: voucher.failures + exact.failures,
  };
}

const tenths = (value: number): number => Math.round(value * 10) / 10;
