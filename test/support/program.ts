import { spawn } from 'node:child_process';

/** A program that runs beside the test. */
export interface Program {
  readonly pid: number;
  /** Everything it has said so far. */
  output(): string;
  signal(signal: NodeJS.Signals): void;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

/** Starts a compiled file with exactly this environment; of ours only what a program needs to run at all. */
export function runProgram(file: string, args: readonly string[], env: Record<string, string>, cwd: string): Program {
  const { PATH = '', HOME = '', TMPDIR } = process.env;
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file, ...args], {
    cwd,
    env: { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return {
    pid: child.pid as number,
    output: () => output,
    signal: (signal) => void child.kill(signal),
    ended: new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal))),
  };
}

/** Resolves when `ready` gives something that is not `undefined`. @throws Error that tells what the program said. */
export async function eventually<Value>(
  what: string,
  ready: () => Value | undefined | Promise<Value | undefined>,
  said: () => string = () => '',
  timeoutMs = 60_000,
): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await ready();
    if (value !== undefined) return value;
    if (Date.now() > deadline) throw new Error(`${what} did not happen within ${timeoutMs} ms.\n${said()}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
