import type { LedgerBenchOptions } from './ledger';
import { checkBooks, seedCustomers } from './ledger-books';
import { type Figure, figureOf, say } from './ledger-rounds';
import type { BenchDatabase, LedgerServer, ReplicaProcess } from './ledger-server';
import { median } from './latencies';

const FILLERS = 512;
const WORKS = ['pairs', 'posts'] as const;

interface Pair {
  readonly small: Figure;
  readonly large: Figure;
}

/**
 * The rates at 10 thousand entries and at `entries`. Both ledgers are on one server and are measured in turns, so
 * that what the machine does meanwhile it does to both; the small one is made anew for every round, or it would grow.
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

  const rounds: Record<(typeof WORKS)[number], Pair>[] = [];
  for (let round = 1; round <= options.rounds; round++) {
    const copy = await server.makeDatabase(`small_${round}`, 'small');
    const small = await rates(server, copy, smallCustomers, options.seconds);
    await server.dropDatabase(`small_${round}`);
    const large = await rates(server, largeDatabase, customers, options.seconds);
    rounds.push({
      pairs: { small: small.pairs, large: large.pairs },
      posts: { small: small.posts, large: large.posts },
    });
    for (const work of WORKS) {
      say(`round ${round}: ${work} ${Math.round(small[work].perSecond)}/s → ${Math.round(large[work].perSecond)}/s`);
    }
  }
  const of = (work: (typeof WORKS)[number]) => {
    const [small, large] = (['small', 'large'] as const).map((size) =>
      median(rounds.map((round) => round[work][size].perSecond)),
    ) as [number, number];
    return { small: Math.round(small), large: Math.round(large), ratio: Math.round((large / small) * 100) / 100 };
  };
  const { zeroSum, belowZero, entries: counted } = await checkBooks(largeDatabase);
  return {
    growth: of('pairs'),
    growthPosts: of('posts'),
    entries: counted,
    zeroSum,
    overdrafts: belowZero,
    verified,
  };
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

/** Of a replica that has just started: it learns its customers and warms up first. */
async function rates(
  server: LedgerServer,
  database: BenchDatabase,
  customers: readonly string[],
  seconds: number,
): Promise<Record<(typeof WORKS)[number], Figure>> {
  const replica = await server.startReplica(database);
  await replica.ask({ do: 'know', customers });
  const measure = async (work: (typeof WORKS)[number]) => {
    await replica.run({ work, callers: 64, seconds: 1, customers });
    await server.checkpoint();
    return figureOf([await replica.run({ work, callers: 64, seconds, customers })]);
  };
  const figures = { pairs: await measure('pairs'), posts: await measure('posts') };
  await replica.stop();
  return figures;
}
