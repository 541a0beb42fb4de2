import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { growth } from './ledger-growth';
import { LedgerRounds } from './ledger-rounds';
import { LedgerServer } from './ledger-server';
import { findPgbench } from './pgbench';

const HELP = `Usage: npm run bench -- ledger [options]

Posts and hold+capture pairs through LedgerService in processes of their own, beside pgbench on the same server.
Rounds are interleaved; every figure is the median of the rounds.

  --rounds N      3
  --seconds N     of the measurements that ratios are made of: 5; the others take two fifths of it
  --sustained N   seconds of the long run: 60; 0 leaves it out
  --callers LIST  1,8,64,256
  --only LIST     run what has one of these words in its name: tpcb, pairs, posts, many, hot, 2x32, single, plain,
                  chain, sustained, race
  --quick         one round of 4 s: tpcb, pairs many 64, pairs hot 64, posts many 64, single and plain, race
  --grow N        instead of all that: the rates at 10 thousand and at N entries
  --verify        the product's own verification of the books at the end; then nothing is posted without the chain

BENCH_PROFILE=1 writes a .cpuprofile of every replica into .local/bench.
`;

export interface LedgerBenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly sustained: number;
  readonly callers: readonly number[];
  readonly only: readonly string[] | undefined;
  readonly quick: boolean;
  readonly verify: boolean;
}

/** The ledger through the product's own service, durably, beside pgbench's TPC-B in the same run. */
export async function ledgerBench(args: readonly string[]): Promise<object> {
  const { options, grow, help } = read(args);
  if (help) {
    process.stdout.write(HELP);
    process.exit();
  }
  if (grow === undefined) findPgbench(); // before anything is started
  const taken = await takenByOthers();
  if (taken > 10) process.stderr.write(`the machine is busy (${taken} % without us): the figures will be low\n`);
  return withServer(async (server) => {
    const settings = await server.settings();
    const shown = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    process.stderr.write(`${shown.join(' ')}\n`);
    const result =
      grow === undefined ? await new LedgerRounds(server, options).run() : await growth(server, options, grow);
    return { ...result, ...settings, takenByOthersPercent: taken };
  });
}

/** Everything that was started ends with `work`, or when a signal ends us. */
async function withServer<Result>(work: (server: LedgerServer) => Promise<Result>): Promise<Result> {
  const server = new LedgerServer();
  let interrupted = false;
  const interrupt = (signal: NodeJS.Signals) => {
    if (interrupted) return;
    interrupted = true;
    process.stderr.write('ending …\n');
    void server.stop().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  };
  process.on('SIGINT', interrupt).on('SIGTERM', interrupt);
  try {
    await server.start();
    return await work(server);
  } catch (error) {
    if (interrupted) await new Promise(() => undefined); // what fails now fails because it was ended
    throw error;
  } finally {
    await server.stop();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

function read(args: readonly string[]): { options: LedgerBenchOptions; grow: number | undefined; help: boolean } {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: text,
      seconds: text,
      sustained: text,
      callers: text,
      only: text,
      grow: text,
      quick: flag,
      verify: flag,
      help: flag,
    },
  });
  const { quick, verify, help } = values;
  const options = {
    rounds: numberIn(values.rounds ?? (quick ? '1' : '3')),
    seconds: numberIn(values.seconds ?? (quick ? '4' : '5')),
    sustained: numberIn(values.sustained ?? (quick ? '0' : '60')),
    callers: (values.callers ?? (quick ? '64' : '1,8,64,256')).split(',').map(numberIn),
    only: values.only?.split(','),
    quick,
    verify,
  };
  return { options, grow: values.grow === undefined ? undefined : numberIn(values.grow), help };
}

/** Per cent of the processors' time in one second, before there is anything of ours. */
async function takenByOthers(): Promise<number> {
  const times = () => {
    const all = cpus().map((cpu) => cpu.times);
    const idle = all.reduce((sum, time) => sum + time.idle, 0);
    return { idle, total: all.reduce((sum, time) => sum + time.user + time.nice + time.sys + time.irq, idle) };
  };
  const before = times();
  await sleep(1000);
  const after = times();
  return Math.round(100 * (1 - (after.idle - before.idle) / (after.total - before.total)));
}

function numberIn(text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`${text} is not a whole number`);
  return Number(text);
}
