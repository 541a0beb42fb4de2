import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { build, type Build } from '../support/build';
import { eventually, type Program, runProgram } from '../support/program';

jest.setTimeout(180_000);

/** Everything is there before it is said. */
const LAST_LINE = 'npm run demo';

let compiled: Build;
let home: string;
let local: string;
const running = new Set<Program>();

beforeAll(() => {
  compiled = build();
  home = mkdtempSync(join(tmpdir(), 'tollbridge-local-world-'));
  local = join(home, 'world');
});
afterEach(async () => {
  for (const program of running) {
    program.signal('SIGINT');
    await program.ended;
  }
});
afterAll(() => {
  compiled.remove();
  rmSync(home, { recursive: true, force: true });
});

/** In a directory of its own, where no `.env` is. */
function cli(args: readonly string[], env: Record<string, string> = {}): Program {
  const program = runProgram(compiled.file('src/cli.js'), args, { TOLLBRIDGE_LOCAL_DIR: local, ...env }, home);
  running.add(program);
  void program.ended.then(() => running.delete(program));
  return program;
}

const stackFile = () => join(local, 'stack.json');
const readStack = () => JSON.parse(readFileSync(stackFile(), 'utf8')) as Record<string, any>;

async function startWorld(args: readonly string[] = [], env: Record<string, string> = {}): Promise<Program> {
  const world = cli(['dev', ...args], env);
  let code: Awaited<Program['ended']> | undefined;
  void world.ended.then((end) => (code = end));
  await eventually(
    'The start',
    () => {
      if (code !== undefined) throw new Error(`It ended with ${code}:\n${world.output()}`);
      return world.output().includes(LAST_LINE) ? true : undefined;
    },
    () => world.output(),
  );
  return world;
}

/** What `pid` has started, and what that has. */
function descendants(pid: number): number[] {
  const table = execFileSync('ps', ['-axo', 'pid=,ppid='], { encoding: 'utf8' });
  const pairs = [...table.matchAll(/(\d+)\s+(\d+)/g)].map(([, child, parent]) => [Number(child), Number(parent)]);
  const found: number[] = [];
  for (let fresh = [pid]; fresh.length > 0;) {
    fresh = pairs.filter(([, parent]) => fresh.includes(parent as number)).map(([child]) => child as number);
    found.push(...fresh);
  }
  return found;
}

const isAlive = (pid: number): boolean => {
  const state = execFileSync('sh', ['-c', `ps -o stat= -p ${pid} || true`], { encoding: 'utf8' }).trim();
  return state !== '' && !state.startsWith('Z');
};
const allGone = (pids: readonly number[]) => (pids.some(isAlive) ? undefined : true);

async function canConnect(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url });
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

describe('tollbridge dev', () => {
  it('starts everything, tells where, refuses a second start, and leaves nothing behind', async () => {
    const world = await startWorld(['--fresh']);
    const stack = readStack();
    expect(Object.keys(stack)).toEqual([
      ...['url', 'adminToken', 'apiKey', 'rpcUrl', 'chainId', 'usdc', 'payTo', 'payerPrivateKey', 'stripe'],
      ...['upstreamUrl', 'databaseUrl', 'migrationDatabaseUrl', 'environment'],
    ]);
    expect(Object.keys(stack['stripe'])).toEqual(['url', 'secretKey', 'webhookSecret']);
    expect(stack['chainId']).toBe(84532);
    expect(statSync(stackFile()).mode & 0o777).toBe(0o600);
    expect(statSync(join(local, 'secrets.json')).mode & 0o777).toBe(0o600);
    for (const text of [stack['url'], stack['apiKey'], stack['stripe'].url, stack['rpcUrl']]) {
      expect(world.output()).toContain(text);
    }
    expect((await fetch(`${stack['url']}/health/ready`)).status).toBe(200);
    const models = (await (await fetch(`${stack['url']}/v1/models`)).json()) as { data: { id: string }[] };
    expect(models.data.map(({ id }) => id)).toEqual(expect.arrayContaining(['gpt-4o-mini', 'gpt-image-1']));

    const second = cli(['dev']);
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(`already runs at ${stack['url']}`);

    const list = cli(['customers', 'list', '--json']);
    expect(await list.ended).toBe(0);
    expect(JSON.parse(list.output())).toMatchObject([{ name: 'Acme', kind: 'organisation' }]);

    const started = descendants(world.pid);
    expect(started.length).toBeGreaterThan(2);
    world.signal('SIGINT');
    expect(await world.ended).toBe(0);
    await eventually('The end of all processes', () => allGone(started), undefined, 10_000);
    expect(existsSync(stackFile())).toBe(false);
    await expect(fetch(stack['url'])).rejects.toThrow('fetch failed');
    expect(await canConnect(stack['databaseUrl'])).toBe(false);
  });

  it('pays on every rail in the demo, keeps its key and its data, and cleans up after a crash', async () => {
    const crashed = await startWorld();
    const before = readStack();
    const demo = cli(['demo']);
    expect([await demo.ended, demo.output()]).toEqual([0, expect.stringContaining('transaction 0x')]);
    const rails = [
      ...demo.output().matchAll(/inv_\S+ +(credit|credit-binding|exact|upto|batch-settlement|transfer-proof|wallet) /g),
    ];
    expect(rails.map(([, rail]) => rail)).toEqual([
      ...['credit', 'credit', 'credit-binding', 'exact', 'upto', 'batch-settlement', 'transfer-proof', 'wallet'],
    ]);
    const verify = cli(['ledger', 'verify']);
    expect([await verify.ended, verify.output()]).toEqual([0, expect.not.stringContaining('BROKEN')]);
    const orphans = descendants(crashed.pid);
    crashed.signal('SIGKILL');
    await crashed.ended;
    expect(existsSync(stackFile())).toBe(true);

    const lost = cli(['demo']);
    expect(await lost.ended).toBe(1);
    expect(lost.output()).toContain('No local stack runs here');

    const world = await startWorld();
    expect(allGone(orphans)).toBe(true);
    const after = readStack();
    expect([after['apiKey'], after['adminToken']]).toEqual([before['apiKey'], before['adminToken']]);
    const authorization = `Bearer ${after['apiKey']}`;
    const invoices = await fetch(`${after['url']}/v1/invoices`, { headers: { authorization } });
    expect(((await invoices.json()) as { data: unknown[] }).data).toHaveLength(3);
    world.signal('SIGTERM');
    expect(await world.ended).toBe(0);
  });

  it('stops a start that is interrupted', async () => {
    const world = cli(['dev', '--fresh']);
    await eventually('The lock', () => (existsSync(join(local, 'stack.lock')) ? true : undefined));
    await new Promise((resolve) => setTimeout(resolve, 700));
    const started = descendants(world.pid);
    world.signal('SIGINT');
    expect(await world.ended).toBe(0);
    await eventually('The end of all processes', () => allGone(started), undefined, 10_000);
    expect(existsSync(stackFile())).toBe(false);
    expect(existsSync(join(local, 'stack.lock'))).toBe(false);
  });

  it('uses what the environment names instead of starting it', async () => {
    const given = {
      UPSTREAM_URL: 'http://127.0.0.1:9',
      STRIPE_SECRET_KEY: 'sk_test_own',
      STRIPE_WEBHOOK_SECRET: 'whsec_own',
    };
    const world = await startWorld(['--fresh'], given);
    expect(world.output()).toContain('upstream: yours, by UPSTREAM_URL');
    expect(world.output()).toContain('Stripe simulator: yours, by STRIPE_SECRET_KEY');
    expect(readStack()).toMatchObject({ upstreamUrl: 'http://127.0.0.1:9', stripe: null });
    world.signal('SIGINT');
    expect(await world.ended).toBe(0);
  });
});

describe('the command line', () => {
  it.each([
    [['--help'], 0, 'tollbridge <command> [options]'],
    [['keys', '--help'], 0, 'keys rotate'],
    [['prices', 'set', '--help'], 0, '--cached-input <USD>'],
    [['frobnicate'], 2, 'There is no command "frobnicate".'],
    [['keys', 'frobnicate'], 2, 'keys knows: create, list, rotate, revoke.'],
    [['keys', 'create'], 2, 'keys create needs --customer <ID>.'],
    [['dev', '--prot', '1'], 2, "Unknown option '--prot'."],
    [['dev', '--port', '99999'], 2, '--port is a whole number from 1 to 65535'],
    [['customers', 'list'], 1, 'There is no database: DATABASE_URL is not set'],
    [['demo'], 1, 'No local stack runs here'],
  ])('%j ends with %d and says: %s', async (args, code, sentence) => {
    const program = cli(args);
    expect([await program.ended, program.output()]).toEqual([code, expect.stringContaining(sentence)]);
  });

  it('refuses dev in production', async () => {
    const program = cli(['dev'], { NODE_ENV: 'production' });
    expect([await program.ended, program.output()]).toEqual([1, expect.stringContaining('NODE_ENV is production')]);
  });

  it.each(['dev', 'migrate'])(
    '%s refuses the owner of one database beside the application of another',
    async (name) => {
      const program = cli([name], { MIGRATION_DATABASE_URL: 'postgres://owner@db.example/tollbridge' });
      expect([await program.ended, program.output()]).toEqual([1, expect.stringContaining('name both, or neither')]);
    },
  );
});
