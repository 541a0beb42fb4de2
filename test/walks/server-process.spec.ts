import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOCAL_SECRETS } from '../../src/config/config';
import { findFreePort } from '../../src/local/guarded-process';
import { type LocalPostgres, startTemporaryPostgres } from '../../src/local/postgres';
import { startUpstream, type Upstream } from '../../src/local/upstream/upstream-simulator';
import { newModel } from '../../src/cli/models';
import { PricingService } from '../../src/pricing/pricing.service';
import { startAppOn, type TestApp } from '../support/app';
import { eventsOf, expectSoundBooks, invoicesOf, textOf } from '../support/calls';
import { build, type Build } from '../support/build';
import { eventually, type Program, runProgram } from '../support/program';
import { chat, customerWith } from '../support/world';

let compiled: Build;
let directory: string;
let postgres: LocalPostgres;
let upstream: Upstream;
/** On the same database, as a replica: to prepare and to look. */
let replica: TestApp | undefined;
const running = new Set<Program>();

beforeAll(async () => {
  compiled = build();
  directory = mkdtempSync(join(tmpdir(), 'tollbridge-server-'));
  [postgres, upstream] = await Promise.all([startTemporaryPostgres(), startUpstream()]);
});
afterEach(() => {
  for (const program of running) program.signal('SIGKILL');
  running.clear();
});
afterAll(async () => {
  await replica?.stop();
  await postgres.stop();
  await upstream.stop();
  compiled.remove();
  rmSync(directory, { recursive: true, force: true });
});

const environment = (): Record<string, string> => ({
  DATABASE_URL: postgres.url,
  ADMIN_TOKEN: LOCAL_SECRETS.adminToken,
  API_KEY_PEPPER: LOCAL_SECRETS.apiKeyPepper,
  UPSTREAM_URL: upstream.url,
});

function run(file: string, args: readonly string[], env: Record<string, string>): Program {
  const program = runProgram(compiled.file(file), args, env, directory);
  running.add(program);
  void program.ended.then(() => running.delete(program));
  return program;
}

/** The server, once it answers. */
async function startServer(env: Record<string, string> = {}): Promise<{ server: Program; url: string }> {
  const port = await findFreePort();
  const url = `http://127.0.0.1:${port}`;
  const server = run('src/main.js', [], { ...environment(), PORT: String(port), ...env });
  await eventually(
    'A start',
    () =>
      fetch(`${url}/health/live`).then(
        (response) => (response.ok ? true : undefined),
        () => undefined,
      ),
    () => server.output(),
  );
  return { server, url };
}

async function readiness(url: string): Promise<[number, string[]]> {
  const response = await fetch(`${url}/health/ready`);
  const { problems } = (await response.json()) as { problems: { code: string; detail: string }[] };
  return [response.status, problems.map(({ code, detail }) => `${code}: ${detail}`)];
}

/** A stream of about this long, on its way: its first bytes have arrived. */
async function openStream(url: string, key: string, model: string) {
  const response = await chat(url, key, { model, stream: true, stream_options: { include_usage: true } });
  expect(response.status).toBe(200);
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = (await reader.read()).value ?? '';
  return {
    rest: async () => {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return text;
        text += value;
      }
    },
  };
}

describe.each(['src/main.js', 'src/worker.js'])('%s', (file) => {
  it('refuses a bad environment with exit code 1, by name', async () => {
    const program = run(file, [], { ADMIN_TOKEN: 'too-short-secret'.slice(0, 9), PORT: 'http' });
    expect(await program.ended).toBe(1);
    for (const name of ['ADMIN_TOKEN', 'PORT', 'DATABASE_URL', 'API_KEY_PEPPER', 'UPSTREAM_URL']) {
      expect(program.output()).toContain(name);
    }
    expect(program.output()).not.toContain('too-short');
    expect(program.output()).not.toContain('    at ');
  });

  it('says that the database is away, with exit code 1', async () => {
    const port = await findFreePort();
    const program = run(file, [], { ...environment(), DATABASE_URL: `postgres://u:hidden@127.0.0.1:${port}/x` });
    expect(await program.ended).toBe(1);
    expect(program.output()).not.toContain('hidden');
  });
});

describe('the server process', () => {
  it('is ready once the migrations have run, and says so until then', async () => {
    const { server, url } = await startServer({ JOBS_IN_PROCESS: 'false' });
    const [status, problems] = await readiness(url);
    expect([status, problems[0]?.split('.')[0]]).toEqual([503, expect.stringContaining('migrations_pending')]);
    const owner = { MIGRATION_DATABASE_URL: postgres.ownerUrl };
    expect(await run('src/cli.js', ['migrate'], { ...environment(), ...owner }).ended).toBe(0);
    expect(await readiness(url)).toEqual([200, []]);
    server.signal('SIGTERM');
    expect(await server.ended).toBe(0);
  });

  it('finishes and books a stream after SIGTERM, and takes no further call', async () => {
    replica ??= await startAppOn(postgres, environment());
    const pricing = replica.app.get(PricingService);
    await pricing.putModel({ ...newModel('slow'), upstreamModel: 'gpt-4o-mini+chunk-delay=60,tokens=30' });
    await pricing.addPrice('slow', { outputNanoPerMillion: 600_000_000n });
    const { customerId, key } = await customerWith(replica, 1_000_000_000n);
    const { server, url } = await startServer();
    const stream = await openStream(url, key, 'slow');

    server.signal('SIGTERM');
    const [status, problems] = await eventually('Draining', async () => {
      const answer = await readiness(url);
      return answer[0] === 503 ? answer : undefined;
    });
    expect([status, problems]).toEqual([503, [expect.stringContaining('shutting_down')]]);
    const refused = await chat(url, key, { model: 'slow' });
    expect(refused.status).toBe(503);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(refused.headers.get('content-type')).toContain('application/problem+json');
    expect(await refused.json()).toMatchObject({ code: 'shutting_down' });

    const events = eventsOf(await stream.rest());
    expect(textOf(events).length).toBeGreaterThan(60);
    expect(events.at(-1)).toBe('[DONE]');
    expect(await server.ended).toBe(0);
    expect(await invoicesOf(replica, customerId)).toMatchObject([{ status: 'succeeded', model: 'slow' }]);
    await expectSoundBooks(replica);
  });

  it('cuts what outlasts the grace, and books what was delivered', async () => {
    replica ??= await startAppOn(postgres, environment());
    const pricing = replica.app.get(PricingService);
    await pricing.putModel({ ...newModel('slower'), upstreamModel: 'gpt-4o-mini+chunk-delay=60,tokens=40' });
    await pricing.addPrice('slower', { outputNanoPerMillion: 600_000_000n });
    const { customerId, key } = await customerWith(replica, 1_000_000_000n);
    const { server, url } = await startServer({ SHUTDOWN_GRACE_MS: '300' });
    const stream = await openStream(url, key, 'slower');
    server.signal('SIGTERM');
    await expect(stream.rest()).rejects.toThrow('terminated');
    expect(await server.ended).toBe(0);
    expect(await invoicesOf(replica, customerId)).toHaveLength(1);
    await expectSoundBooks(replica);
  });
});

describe('the worker process', () => {
  it('runs without a port until it is told to end', async () => {
    const worker = run('src/worker.js', [], { ...environment(), PORT: '1' });
    await eventually(
      'The worker',
      () => (worker.output().includes('Running jobs') ? true : undefined),
      () => worker.output(),
    );
    worker.signal('SIGTERM');
    expect(await worker.ended).toBe(0);
  });
});
