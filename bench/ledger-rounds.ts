import Table from 'cli-table3';
import { prefixedId } from '../src/common/id';
import type { LedgerBenchOptions } from './ledger';
import { checkBooks, seedCustomers } from './ledger-books';
import type { BenchDatabase, LedgerServer, ReplicaProcess } from './ledger-server';
import type { Load, Measured } from './ledger-work';
import { Latencies, median } from './latencies';
import { withOwner } from './owner';
import type { Pgbench } from './pgbench';
import { preparePlain } from './plain-transaction';
import { withoutChain } from './without-chain';

const RACES = 5;
const RACE_BALANCE = 1_000;

/** What is measured once in a round, under this name; its parts ran at the same time. */
interface Section {
  readonly name: string;
  readonly measure: () => Promise<readonly Measured[] | undefined>;
}

/** One measurement of a section. */
export interface Figure {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly errors: number;
}

/** The whole comparison: rounds of every section, then the long run, the race, and the books. */
export class LedgerRounds {
  private readonly figures = new Map<string, Figure[]>();
  private database!: BenchDatabase;
  private customers: string[] = [];
  private replicas: ReplicaProcess[] = [];
  private pgbench: Pgbench | undefined;

  constructor(
    private readonly server: LedgerServer,
    private readonly options: LedgerBenchOptions,
  ) {}

  async run(): Promise<object> {
    await this.prepare();
    const sections = this.sections().filter(({ name }) => this.isWanted(name));
    for (let round = 1; round <= this.options.rounds; round++) {
      await this.server.checkpoint();
      await this.pgbench?.touchPages();
      for (const section of sections) await this.measure(`round ${round}/${this.options.rounds}`, section);
    }
    const sustained = this.options.sustained > 0 && this.isWanted('sustained') ? await this.sustain() : null;
    const overspent = this.isWanted('race') ? await this.race() : null;
    const books = await checkBooks(this.database);
    const verified = this.options.verify ? await this.first.ask<boolean>({ do: 'verify' }) : null;
    this.print();
    return {
      ...this.summary(),
      sustained,
      overdrafts: overspent === null ? null : overspent + books.belowZero,
      zeroSum: books.zeroSum,
      verified,
      entries: books.entries,
      errors: [...this.figures.values()].flat().reduce((sum, { errors }) => sum + errors, 0),
    };
  }

  private async prepare(): Promise<void> {
    this.database = await this.server.makeDatabase('ledger');
    say('starting two replicas and pgbench …');
    this.replicas = [await this.server.startReplica(this.database), await this.server.startReplica(this.database)];
    if (this.isWanted('tpcb 64')) this.pgbench = await this.server.preparePgbench();
    say('seeding customers …');
    this.customers = await seedCustomers(this.first, this.database);
    await this.second.ask({ do: 'know', customers: this.customers });
    await withOwner(this.database.ownerUrl, (owner) => preparePlain(owner, this.customers));
    say('warming up …');
    for (const replica of this.replicas) {
      for (const work of ['pairs', 'posts'] as const) {
        await replica.run({ work, callers: 64, seconds: 1, customers: this.customers });
      }
    }
    await this.first.run({ work: 'plain', callers: 1, seconds: 0.5, customers: this.customers });
    await this.pgbench?.measure(64, 2);
  }

  private sections(): Section[] {
    const { seconds, callers, quick, verify } = this.options;
    const short = seconds * 0.4;
    const tpcb: Section = {
      name: 'tpcb 64',
      measure: async () => this.pgbench && [await this.pgbench.measure(64, seconds)],
    };
    const singles = [1, 2].flatMap(() => [
      this.section('single call (a post)', { work: 'posts', callers: 1, seconds: short / 2, spread: 'many' }),
      this.section('plain transaction', { work: 'plain', callers: 1, seconds: short / 2, spread: 'many' }),
    ]);
    const at = (count: number, ofSeconds: number) =>
      (['pairs', 'posts'] as const).flatMap((work) =>
        (['many', 'hot'] as const).map((spread) =>
          this.section(`${work} ${spread} ${count}`, { work, spread, callers: count, seconds: ofSeconds }),
        ),
      );
    const main = callers.includes(64) ? at(64, seconds) : [];
    if (quick) return [tpcb, ...main.filter(({ name }) => name !== 'posts hot 64'), ...singles];
    const others = callers.filter((count) => count !== 64).flatMap((count) => at(count, short));
    return [
      tpcb,
      ...main,
      ...singles,
      ...(verify ? [] : this.chainSections(short / 2)),
      ...this.twoReplicas(short),
      ...others,
    ];
  }

  private section(name: string, load: Omit<Load, 'customers'> & { spread: 'many' | 'hot' }): Section {
    return { name, measure: async () => [await this.first.run(this.loadOf(load))] };
  }

  /** With and without the hash chain, by turns; both begin with fresh plans. */
  private chainSections(seconds: number): Section[] {
    return (['pairs', 'posts'] as const).flatMap((work) => {
      const load = this.loadOf({ work, spread: 'many', callers: 64, seconds });
      const measure = async () => {
        await this.first.run({ ...load, seconds: 0.3 });
        return [await this.first.run(load)];
      };
      const on = { name: `chain on: ${work} many 64`, measure };
      const off = { name: `chain off: ${work} many 64`, measure: () => withoutChain(this.database, measure) };
      return [on, off, off, on];
    });
  }

  private twoReplicas(seconds: number): Section[] {
    return (['pairs', 'posts'] as const).flatMap((work) =>
      (['many', 'hot'] as const).map((spread) => ({
        name: `${work} ${spread} 2x32`,
        measure: () => {
          const load = this.loadOf({ work, spread, callers: 32, seconds });
          return Promise.all(this.replicas.map((replica) => replica.run(load)));
        },
      })),
    );
  }

  private loadOf({ spread, ...load }: Omit<Load, 'customers'> & { spread: 'many' | 'hot' }): Load {
    return { ...load, customers: spread === 'hot' ? this.customers.slice(0, 1) : this.customers };
  }

  private async measure(where: string, { name, measure }: Section): Promise<void> {
    const measured = await measure();
    if (!measured) return;
    const figure = figureOf(measured);
    this.figures.set(name, [...(this.figures.get(name) ?? []), figure]);
    const failed = measured.find(({ firstError }) => firstError !== undefined)?.firstError;
    say(`${where} ${name}: ${whole(figure.perSecond)}/s, p50 ${ms(figure.p50Ms)}, p99 ${ms(figure.p99Ms)} ms`);
    if (failed !== undefined) say(`  ${figure.errors} errors, the first: ${failed}`);
  }

  private async sustain(): Promise<object> {
    const { sustained: seconds } = this.options;
    say(`sustained: pairs many 64 for ${seconds} s …`);
    await this.server.checkpoint();
    const measured = await this.first.run(this.loadOf({ work: 'pairs', spread: 'many', callers: 64, seconds }));
    const figure = figureOf([measured]);
    this.figures.set(`sustained ${seconds} s: pairs many 64`, [figure]);
    const whole10 = Math.min(10, seconds);
    const rateOf = (perSecond: readonly number[]) =>
      whole(perSecond.reduce((sum, done) => sum + (done ?? 0), 0) / whole10);
    return {
      seconds,
      pairsPerSecond: whole(figure.perSecond),
      p50Ms: round(figure.p50Ms),
      p99Ms: round(figure.p99Ms),
      p999Ms: round(Latencies.sum([measured.latencies]).quantile(0.999)),
      firstTenSeconds: rateOf(measured.perSecond.slice(0, whole10)),
      lastTenSeconds: rateOf(measured.perSecond.slice(seconds - whole10, seconds)),
    };
  }

  /** Both replicas at once want twice what a customer has, one atom at a time. Returns what was granted beyond it. */
  private async race(): Promise<number> {
    let overspent = 0;
    for (let race = 1; race <= RACES; race++) {
      const customer = prefixedId('cus');
      await this.first.ask({ do: 'seed', customers: [customer], atoms: BigInt(RACE_BALANCE) });
      for (const replica of this.replicas) await replica.ask({ do: 'know', customers: [customer] });
      const granted = await Promise.all(
        this.replicas.map((replica) =>
          replica.ask<number>({ do: 'race', customer, callers: 32, attempts: RACE_BALANCE }),
        ),
      );
      const total = granted.reduce((sum, count) => sum + count, 0);
      say(`race ${race}: ${granted.join(' + ')} granted on a balance of ${RACE_BALANCE}`);
      if (total < RACE_BALANCE) throw new Error(`only ${total} of ${RACE_BALANCE} were granted`);
      overspent += total - RACE_BALANCE;
    }
    return overspent;
  }

  private summary(): object {
    const rate = (name: string) => this.medianOf(name, ({ perSecond }) => perSecond);
    const p50 = (name: string) => this.medianOf(name, ({ p50Ms }) => p50Ms);
    const tpcb = rate('tpcb 64');
    const ratio = (name: string) => quotient(rate(name), tpcb);
    // Of neighbours, for the machine's own swings are larger than what the chain costs.
    const chainCost = (work: string) => {
      const off = this.figures.get(`chain off: ${work} many 64`);
      const on = this.figures.get(`chain on: ${work} many 64`);
      if (!on || !off) return null;
      return round(median(on.map(({ perSecond }, index) => 100 * (1 - perSecond / (off[index]?.perSecond ?? NaN)))));
    };
    return {
      pairsPerSecond: wholeOrNull(rate('pairs many 64')),
      pairsPerSecondHot: wholeOrNull(rate('pairs hot 64')),
      postsPerSecond: wholeOrNull(rate('posts many 64')),
      postsPerSecondHot: wholeOrNull(rate('posts hot 64')),
      tpcb: wholeOrNull(tpcb),
      ratio: ratio('pairs many 64'),
      ratioHot: ratio('pairs hot 64'),
      ratioPosts: ratio('posts many 64'),
      ratioPostsHot: ratio('posts hot 64'),
      singleCallP50Ms: roundOrNull(p50('single call (a post)')),
      plainTransactionP50Ms: roundOrNull(p50('plain transaction')),
      chainCostPercent: chainCost('posts'),
      chainCostPercentPairs: chainCost('pairs'),
    };
  }

  private print(): void {
    const head = ['', 'per second', 'p50 ms', 'p99 ms', 'lowest–highest', 'errors'];
    const table = new Table({ head, style: { head: [], border: [], compact: true } });
    for (const [name, figures] of this.figures) {
      const rates = figures.map(({ perSecond }) => whole(perSecond));
      table.push([
        name,
        whole(median(rates)),
        ms(median(figures.map(({ p50Ms }) => p50Ms))),
        ms(median(figures.map(({ p99Ms }) => p99Ms))),
        `${Math.min(...rates)}–${Math.max(...rates)}`,
        figures.reduce((sum, { errors }) => sum + errors, 0),
      ]);
    }
    process.stdout.write(`${table.toString()}\n`);
  }

  private medianOf(name: string, value: (figure: Figure) => number): number | null {
    const figures = this.figures.get(name);
    return figures ? median(figures.map(value)) : null;
  }

  private isWanted(name: string): boolean {
    const { only } = this.options;
    return only === undefined || only.some((word) => name.includes(word));
  }

  private get first(): ReplicaProcess {
    return this.replicas[0] as ReplicaProcess;
  }

  private get second(): ReplicaProcess {
    return this.replicas[1] as ReplicaProcess;
  }
}

export function figureOf(parts: readonly Measured[]): Figure {
  const latencies = Latencies.sum(parts.map((part) => part.latencies));
  return {
    perSecond: parts.reduce((sum, { done, elapsedMs }) => sum + (done / elapsedMs) * 1000, 0),
    p50Ms: latencies.quantile(0.5),
    p99Ms: latencies.quantile(0.99),
    errors: parts.reduce((sum, { errors }) => sum + errors, 0),
  };
}

export const say = (line: string): void => void process.stderr.write(`${line}\n`);

const ms = (value: number): string => value.toFixed(2);
const whole = (value: number): number => Math.round(value);
const round = (value: number): number => Math.round(value * 100) / 100;
const wholeOrNull = (value: number | null) => (value === null ? null : whole(value));
const roundOrNull = (value: number | null) => (value === null ? null : round(value));
const quotient = (a: number | null, b: number | null) => (a === null || b === null ? null : round(a / b));
