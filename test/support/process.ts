import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { baseEnvironment } from './app';

/** The server as an operating system's process, on a database that already runs. */
export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  /** Ends it without a goodbye. Resolves when it is gone. */
  kill9(): Promise<void>;
  /** Asks it to end, and resolves to its exit code when it has. */
  terminate(): Promise<number | null>;
}

const LISTENING = /Listening on (http:\/\/\S+)/;

export async function startServer(databaseUrl: string, env: Record<string, string> = {}): Promise<ServerProcess> {
  const child = fork(join(__dirname, 'serve.cjs'), {
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: { PATH: process.env['PATH'] ?? '', NO_COLOR: '1', ...baseEnvironment(databaseUrl), PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const gone = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const url = await listening(child);
  return {
    url: url.replace('[::1]', '127.0.0.1'),
    pid: child.pid as number,
    kill9: async () => {
      child.kill('SIGKILL');
      await gone;
    },
    terminate: () => {
      child.kill('SIGTERM');
      return gone;
    },
  };
}

function listening(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const hear = (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-20_000);
      const url = LISTENING.exec(said)?.[1];
      if (url !== undefined) resolve(url);
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('exit', (code) => reject(new Error(`The server ended (${code}) before it listened:\n${said}`)));
  });
}
