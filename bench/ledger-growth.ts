import type { LedgerBenchOptions } from './ledger';
import { checkBooks, seedCustomers } from './ledger-books';
import { figureOf, say } from './ledger-rounds';
import type { BenchDatabase, LedgerServer, ReplicaProcess } from './ledger-server';
import type { Load } from './ledger-work';
import { median } from './latencies';

const FILLERS = 512;
/** So long that most of what a measurement changes was changed since the last checkpoint, as in any long run. */
const WARM_UP_SECONDS = 5;
const WORKS = ['pairs', 'posts'] as const;

interface Ledger {
  readonly replica: ReplicaProcess;
  readonly customers: readonly string[];
}

interface Rates {
  readonly small: number;
  readonly large: number;
}

/**
 * The rates at 10 thousand entries and at `entries`. Both ledgers are on one server and are measured by turns of a few
 * seconds, so that what the machine does to one it does to both; the small one is made anew for every round, or it
 * would grow.
 */
export async function growth(server: LedgerServer, options: LedgerBenchOptions, entries: number): Promise<object> {
  const smallDatabase = await server.makeDatabase('small');
  const seeder = await server.startReplica(smallDatabase);
  const smallCustomers = await seedCustomers(seeder, smallDatabase);
  await seeder.stop();

  const largeDatabase = await server.makeDatabase('large');
  const filler = await server.startReplica(largeDatabase);
  const customers = await seedCustomers(filler, largeDatabase);
  await fill(filler, entries, customers);
  const verified = options.verify ? await filler.ask<boolean>({ do: 'verify' }) : null;
  await filler.stop();
  await server.vacuum(largeDatabase);
  await server.checkpoint();

  const rounds: Record<(typeof WORKS)[number], Rates>[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    const small = await start(server, await server.makeDatabase(`small_${round}`, 'small'), smallCustomers);
    const large = await start(server, largeDatabase, customers);
    const rates = {
      pairs: await byTurns('pairs', small, large, options.seconds),
      posts: await byTurns('posts', small, large, options.seconds),
    };
    await Promise.all([small.replica.stop(), large.replica.stop()]);
    rounds.push(rates);
    for (const work of WORKS) {
      say(`round ${round}: ${work} ${Math.round(rates[work].small)}/s → ${Math.round(rates[work].large)}/s`);
    }
  }
  const of = (work: (typeof WORKS)[number]) => {
    const rates = rounds.map((round) => round[work]);
    return {
      small: Math.round(median(rates.map(({ small }) => small))),
      large: Math.round(median(rates.map(({ large }) => large))),
      ratio: Math.round(100 * median(rates.map(({ small, large }) => large / small))) / 100,
    };
  };
  const { zeroSum, belowZero, entries: counted } = await checkBooks(largeDatabase);
  return { growth: of('pairs'), growthPosts: of('posts'), entries: counted, zeroSum, overdrafts: belowZero, verified };
}

async function fill(replica: ReplicaProcess, entries: number, customers: readonly string[]): Promise<void> {
  const missing = Math.max(0, entries - customers.length);
  const started = performance.now();
  let said = 0;
  await replica.ask({ do: 'fill', entries: missing, callers: FILLERS, customers }, (done) => {
    if (performance.now() - said < 10_000) return;
    said = performance.now();
    const perSecond = done / ((said - started) / 1000);
    const left = Math.round((missing - done) / perSecond);
    say(`filled ${done} of ${missing} at ${Math.round(perSecond)}/s, ${left} s left`);
  });
}

async function start(server: LedgerServer, database: BenchDatabase, customers: readonly string[]): Promise<Ledger> {
  const replica = await server.startReplica(database);
  await replica.ask({ do: 'know', customers });
  return { replica, customers };
}

/** Small, large, large, small; each half as long. */
async function byTurns(work: Load['work'], small: Ledger, large: Ledger, seconds: number): Promise<Rates> {
  const rateOf = async ({ replica, customers }: Ledger, ofSeconds: number) =>
    figureOf([await replica.run({ work, callers: 64, seconds: ofSeconds, customers })]).perSecond;
  await rateOf(small, WARM_UP_SECONDS);
  await rateOf(large, WARM_UP_SECONDS);
  const first = { small: await rateOf(small, seconds / 2), large: await rateOf(large, seconds / 2) };
  const second = { large: await rateOf(large, seconds / 2), small: await rateOf(small, seconds / 2) };
  return { small: (first.small + second.small) / 2, large: (first.large + second.large) / 2 };
}
