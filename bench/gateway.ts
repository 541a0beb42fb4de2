import { parseArgs } from 'node:util';
import Table from 'cli-table3';
import { customerWith, seedPrices } from '../test/support/world';
import { firstByteP50, load, type Load } from './load';
import { startPortkey } from './portkey';
import { startServers } from './servers';

const BODY = JSON.stringify({
  model: 'gpt-4o-mini',
  max_tokens: 32,
  messages: [{ role: 'user', content: 'Say something short about bridges.' }],
});

interface Target {
  readonly name: 'direct' | 'portkey' | 'paid';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A paid credit call (hold, upstream, capture, invoice: two durable commits) beside a proxy that bills nothing. */
export async function gatewayBench(args: readonly string[]): Promise<object> {
  const { values } = parseArgs({
    args: [...args],
    options: { rounds: { type: 'string', default: '3' }, seconds: { type: 'string', default: '5' } },
  });
  const servers = await startServers();
  const portkey = await startPortkey();
  try {
    const { key } = await servers.withApp(async (app) => {
      await seedPrices(app);
      return customerWith(app, 1_000_000_000_000_000n);
    });
    const json = { 'content-type': 'application/json' };
    const targets: Target[] = [
      { name: 'direct', url: servers.upstreamUrl, headers: json },
      {
        name: 'portkey',
        url: portkey.url,
        headers: {
          ...json,
          authorization: 'Bearer sk-none',
          'x-portkey-provider': 'openai',
          'x-portkey-custom-host': `${servers.upstreamUrl}/v1`,
        },
      },
      { name: 'paid', url: servers.appUrl, headers: { ...json, authorization: `Bearer ${key}` } },
    ];
    const results = await measure(targets, Number(values.rounds), Number(values.seconds));
    return report(results, await servers.settings());
  } finally {
    await portkey.stop();
    await servers.stop();
  }
}

type Results = Readonly<Record<Target['name'], { sequential: Load[]; parallel: Load[]; firstByteMs: number[] }>>;

/** Interleaved rounds: what the machine does to one target it does to all. */
async function measure(targets: readonly Target[], rounds: number, seconds: number): Promise<Results> {
  const results: Results = { direct: empty(), portkey: empty(), paid: empty() };
  for (const target of targets) await load(target, BODY, 16, 2);
  for (let round = 1; round <= rounds; round++) {
    for (const target of targets) {
      process.stderr.write(`round ${round}/${rounds} ${target.name} …\n`);
      results[target.name].sequential.push(await load(target, BODY, 1, seconds));
      results[target.name].parallel.push(await load(target, BODY, 64, seconds));
      results[target.name].firstByteMs.push(await firstByteP50(target, BODY, 100));
    }
  }
  return results;
}

function report(results: Results, settings: Readonly<Record<string, string>>): object {
  const table = new Table({
    head: ['', 'p50 ms (1)', 'rps (1)', 'rps (64)', 'p99 ms (64)', 'first byte ms', 'errors'],
  });
  const rows = Object.entries(results).map(([name, { sequential, parallel, firstByteMs }]) => ({
    name,
    p50: median(sequential.map((run) => run.p50Ms)),
    rps1: median(sequential.map((run) => run.rps)),
    rps: median(parallel.map((run) => run.rps)),
    p99: median(parallel.map((run) => run.p99Ms)),
    firstByte: median(firstByteMs),
    errors: [...sequential, ...parallel].reduce((sum, run) => sum + run.errors, 0),
  }));
  for (const row of rows) {
    table.push([row.name, ms(row.p50), whole(row.rps1), whole(row.rps), ms(row.p99), ms(row.firstByte), row.errors]);
  }
  process.stdout.write(`${table.toString()}\n${JSON.stringify(settings)}\n`);
  const [direct, portkey, paid] = rows as unknown as [Row, Row, Row];
  return {
    directRps: whole(direct.rps),
    portkeyRps: whole(portkey.rps),
    paidRps: whole(paid.rps),
    ratioToPortkey: round(paid.rps / portkey.rps),
    addedP50Ms: round(paid.p50 - direct.p50),
    portkeyAddedP50Ms: round(portkey.p50 - direct.p50),
    ttfbAddedP50Ms: round(paid.firstByte - direct.firstByte),
    portkeyTtfbAddedP50Ms: round(portkey.firstByte - direct.firstByte),
    errors: paid.errors,
    ...settings,
  };
}

interface Row {
  p50: number;
  rps1: number;
  rps: number;
  p99: number;
  firstByte: number;
  errors: number;
}

const empty = () => ({ sequential: [] as Load[], parallel: [] as Load[], firstByteMs: [] as number[] });
const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
const ms = (value: number): string => value.toFixed(2);
const whole = (value: number): number => Math.round(value);
const round = (value: number): number => Math.round(value * 100) / 100;
