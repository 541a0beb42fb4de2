import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { DEV_WALLETS, fundEth, startChain } from '../src/local/chain';
import { chainEnvironment, mintTo } from '../test/support/chain';
import { seedPrices } from '../test/support/world';
import { closedLoop, type LoopRun } from './closed-loop';
import { gasOfExact } from './exact-gas';
import { type BenchPayer, newPayer, signedHeader } from './exact-payments';
import { Latencies, median } from './latencies';
import { GAS_PRICE_FLAGS, networkFees } from './network-fees';
import { askedOf, BODY, startBaseline, type Target } from './exact-targets';
import { startServers } from './servers';
import { voucherBench } from './vouchers';

const LEVELS = [1, 8, 64] as const;
type Level = (typeof LEVELS)[number];
const FUNDS = 10n ** 12n;
/** Both servers run compiled code before they are measured. */
const WARM_UP_SECONDS = 5;
/** Signed before a window begins, for each of its seconds: more than either server settles. */
const SIGNED_PER_SECOND = 1_000;
const MEASURED =
  'closed loop: each payer sends its next call when the last one is answered; the answer comes after its settlement is ' +
  'mined; payments are signed before the window, for both servers alike; both are warmed up by 64 payers; client, ' +
  'servers, PostgreSQL and chain share this machine';

/**
 * Paid exact calls, settlement included, beside `@x402/express` with its facilitator in process: the same chain, payers
 * and upstream, rounds interleaved; on a chain that mines at once, and on one with a block every second. Then calls paid by
 * vouchers beside `exact` ones, and what every scheme's gas costs per call.
 */
export async function exactBench(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '2' },
      seconds: { type: 'string', default: '5' },
      ...GAS_PRICE_FLAGS,
    },
  });
  const work = { rounds: Number(values.rounds), seconds: Number(values.seconds) };
  const automine = await onChain({}, work);
  const blocks = await onChain({ blockTimeSeconds: 1 }, work);
  const { gas, ...vouchers } = await voucherBench(work);
  // What a voucher saves is the block: where blocks come at once, both are bound by this machine's processors alone.
  const { gas: _, ...besideBlocks } = await voucherBench(work, { blockTimeSeconds: 1 });
  const price = { gwei: Number(values['gas-price-gwei']), usdPerCoin: Number(values['usd-per-coin']) };
  const fees = networkFees({ ...blocks.gas, ...gas }, price);
  const { paidRps, baselineRps, ratio } = automine.levels[64];
  const all = [automine, blocks].flatMap(({ levels }) => Object.values(levels));
  return {
    paidRps,
    baselineRps,
    ratio,
    failures: all.reduce((sum, level) => sum + level.failures, 0),
    baselineFailures: all.reduce((sum, level) => sum + level.baselineFailures, 0),
    measured: MEASURED,
    automine: automine.levels,
    blocksOfOneSecond: blocks.levels,
    ...vouchers,
    vouchersBesideBlocksOfOneSecond: besideBlocks,
    ...fees,
    gas: { ...blocks.gas, ...gas },
    ...automine.settings,
  };
}

async function onChain(options: { blockTimeSeconds?: number }, work: { rounds: number; seconds: number }) {
  const chain = await startChain(options);
  const servers = await startServers({ ...chainEnvironment(chain), EVM_WS_URL: chain.rpcUrl.replace('http', 'ws') });
  const baseline = await startBaseline(chain, servers.upstreamUrl);
  try {
    await servers.withApp(seedPrices);
    for (const { address } of [DEV_WALLETS.facilitator, DEV_WALLETS.payer]) {
      await fundEth(chain.rpcUrl, address, 10n ** 22n);
    }
    const payers = Array.from({ length: 64 }, newPayer);
    await mintTo(
      chain,
      payers.map(({ address }) => address),
      FUNDS,
    );
    const targets: Target[] = [
      { name: 'paid', url: servers.appUrl, accepted: await askedOf(servers.appUrl) },
      { name: 'baseline', url: baseline.url, accepted: await askedOf(baseline.url) },
    ];
    const label = options.blockTimeSeconds === undefined ? 'automine' : 'blocks of 1 s';
    const levels = await measure(label, targets, payers, work);
    return { levels, gas: await gasOfExact(chain, servers.databaseUrl), settings: await servers.settings() };
  } finally {
    await baseline.stop();
    await servers.stop();
    await chain.stop();
  }
}

interface LevelReport {
  readonly paidRps: number;
  readonly baselineRps: number;
  readonly ratio: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly baselineP50Ms: number;
  readonly baselineP99Ms: number;
  readonly failures: number;
  readonly baselineFailures: number;
}

async function measure(
  label: string,
  targets: readonly Target[],
  payers: readonly BenchPayer[],
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<Record<Level, LevelReport>> {
  const runs = new Map<string, LoopRun[]>();
  for (const target of targets) await paidLoop(target, payers, WARM_UP_SECONDS);
  for (let round = 1; round <= rounds; round++) {
    for (const level of LEVELS) {
      for (const target of targets) {
        process.stderr.write(`${label}, round ${round}/${rounds}, ${level} at once, ${target.name} …\n`);
        const key = `${target.name} ${level}`;
        runs.set(key, [...(runs.get(key) ?? []), await paidLoop(target, payers.slice(0, level), seconds)]);
      }
    }
  }
  const table = new Table({ head: [label, 'rps', 'p50 ms', 'p99 ms', 'baseline rps', 'p50 ms', 'p99 ms', 'failures'] });
  const reports = LEVELS.map((level): [Level, LevelReport] => {
    const [paid, baseline] = targets.map(({ name }) => summary(runs.get(`${name} ${level}`) ?? [])) as [Sum, Sum];
    const failures = `${paid.failures} / ${baseline.failures}`;
    table.push([level, paid.rps, paid.p50, paid.p99, baseline.rps, baseline.p50, baseline.p99, failures]);
    return [
      level,
      {
        paidRps: paid.rps,
        baselineRps: baseline.rps,
        ratio: tenths(paid.rps / baseline.rps),
        p50Ms: paid.p50,
        p99Ms: paid.p99,
        baselineP50Ms: baseline.p50,
        baselineP99Ms: baseline.p99,
        failures: paid.failures,
        baselineFailures: baseline.failures,
      },
    ];
  });
  process.stdout.write(`${table.toString()}\n`);
  return Object.fromEntries(reports) as Record<Level, LevelReport>;
}

/** A payment for each call, signed ahead: what is measured is the server. Who has used them up signs one more. */
function paidLoop(target: Target, payers: readonly BenchPayer[], seconds: number): Promise<LoopRun> {
  const each = Math.ceil((SIGNED_PER_SECOND * seconds) / payers.length);
  const signed = payers.map((payer) => Array.from({ length: each }, () => signedHeader(payer, target.accepted)));
  return closedLoop(
    `${target.url}/v1/chat/completions`,
    BODY,
    payers.length,
    seconds,
    (payer) => signed[payer]?.pop() ?? signedHeader(payers[payer] as BenchPayer, target.accepted),
  );
}

interface Sum {
  readonly rps: number;
  readonly p50: number;
  readonly p99: number;
  readonly failures: number;
}

function summary(runs: readonly LoopRun[]): Sum {
  const latencies = Latencies.sum(runs.map((run) => run.latencies.counts));
  return {
    rps: tenths(median(runs.map(({ rps }) => rps))),
    p50: tenths(latencies.quantile(0.5)),
    p99: tenths(latencies.quantile(0.99)),
    failures: runs.reduce((sum, run) => sum + run.failures, 0),
  };
}

const tenths = (value: number): number => Math.round(value * 10) / 10;
