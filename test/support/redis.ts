import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { findFreePort, GuardedProcess, waitUntil } from '../../src/local/guarded-process';

/** A real Redis on a free port that keeps nothing. */
export interface Redis {
  readonly url: string;
  /** Sends one command; resolves with what Redis says first. */
  command(line: string): Promise<string>;
  signal(signal: NodeJS.Signals): void;
  /** Ends it without a goodbye. Resolves when it is gone. */
  kill9(): Promise<void>;
  /** Starts it again, empty, on the same port. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const REDIS_SERVER = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'redis-server'))
  .find((file) => existsSync(file));

/** `describe` where there is a Redis; elsewhere it says loudly what was not tested. */
export function describeWithRedis(name: string, tests: () => void): void {
  if (REDIS_SERVER !== undefined) {
    describe(name, tests);
    return;
  }
  process.stderr.write(`\n*** SKIPPED: ${name}: no redis-server in PATH (apt-get install redis-server) ***\n\n`);
  describe.skip(name, tests);
}

export async function startRedis(): Promise<Redis> {
  const directory = mkdtempSync(join(tmpdir(), 'tollbridge-test-redis-'));
  const port = await findFreePort();
  let server = await start(directory, port);
  return {
    url: `redis://127.0.0.1:${port}`,
    command: (line) => say(port, line),
    signal: (signal) => void process.kill(server.pid as number, signal),
    kill9: async () => {
      process.kill(server.pid as number, 'SIGKILL');
      await waitUntil('The end of Redis', 10_000, () => server.hasExited);
    },
    restart: async () => {
      if (!server.hasExited) await server.stop();
      server = await start(directory, port);
    },
    stop: async () => {
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

async function start(directory: string, port: number): Promise<GuardedProcess> {
  const settings = { port: String(port), bind: '127.0.0.1', dir: directory, save: '', appendonly: 'no' };
  const server = GuardedProcess.start({
    command: REDIS_SERVER as string,
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    env: {},
    logFile: join(directory, 'redis.log'),
    ownerFile: join(directory, 'redis.owner'),
    temporaryDir: directory,
  });
  await waitUntil('Starting Redis', 30_000, async () => {
    if (server.hasExited) throw new Error(`Redis ended at once:\n${server.logTail()}`);
    return (await say(port, 'PING').catch(() => '')) === '+PONG';
  });
  return server;
}

function say(port: number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`${line}\r\n`));
    socket.once('data', (said) => {
      resolve(said.toString().split('\r\n')[0] ?? '');
      socket.destroy();
    });
    socket.once('error', reject);
  });
}
