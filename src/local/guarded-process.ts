import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { LocalProcessError } from './local-process.error';

/** What to run. Nothing is inherited from our environment but what `env` says. */
export interface ProcessPlan {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Receives stdout and stderr; the log of the run before is kept as `<logFile>.previous`. */
  readonly logFile: string;
  /** Receives `<our pid> <its pid>`, so that a later start can tell an orphan from a running one. */
  readonly ownerFile: string;
  /** Drop to this user; needs root. */
  readonly user?: SystemUser | undefined;
  /** Removed by the watchdog after the process, when we could not. */
  readonly temporaryDir?: string | undefined;
  /** An open directory the child finds under `/proc/self/fd/3`. */
  readonly directoryFd?: number | undefined;
}

export interface SystemUser {
  readonly uid: number;
  readonly gid: number;
}

/**
 * A server process that ends when we end. It runs in a session of its own, so that Ctrl-C in a terminal reaches only
 * us and we stop things in the right order; a watchdog that reads from a pipe of ours interrupts it when the pipe
 * breaks, which is what even SIGKILL of our process does.
 */
export class GuardedProcess {
  private gone = false;
  private readonly whenGone: Promise<void>;

  private constructor(
    private readonly plan: ProcessPlan,
    private readonly child: ChildProcess,
  ) {
    this.whenGone = new Promise((resolve) => {
      const settle = () => {
        this.gone = true;
        resolve();
      };
      child.once('exit', settle);
      child.once('error', settle); // it could not be started at all
    });
  }

  static start(plan: ProcessPlan): GuardedProcess {
    keepPreviousLog(plan.logFile);
    const log = openSync(plan.logFile, 'a', 0o600);
    const child = spawn(plan.command, [...plan.args], {
      cwd: '/',
      env: plan.env,
      detached: true,
      stdio: ['ignore', log, log, ...(plan.directoryFd === undefined ? [] : [plan.directoryFd])],
      ...plan.user,
    });
    closeSync(log);
    const started = new GuardedProcess(plan, child);
    if (child.pid !== undefined) {
      writeFileSync(plan.ownerFile, `${process.pid} ${child.pid}\n`);
      started.watch(child.pid);
    }
    return started;
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  get hasExited(): boolean {
    return this.gone;
  }

  /** The last lines it wrote, for an error message. */
  logTail(): string {
    return readFileSync(this.plan.logFile, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
  }

  /**
   * SIGINT (PostgreSQL: fast shutdown; anvil: write the state and leave), then SIGQUIT, then SIGKILL. Resolves when the
   * process is gone; calling it again is harmless.
   *
   * @param patienceMs How long SIGINT may take.
   */
  async stop(patienceMs = 20_000): Promise<void> {
    for (const [signal, wait] of [
      ['SIGINT', patienceMs],
      ['SIGQUIT', 3_000],
      ['SIGKILL', 3_000],
    ] as const) {
      if (this.gone) return;
      this.child.kill(signal);
      await this.waitForExit(wait);
    }
  }

  private async waitForExit(milliseconds: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, milliseconds);
    });
    await Promise.race([this.whenGone, timeout]);
    clearTimeout(timer);
  }

  private watch(pid: number): void {
    const watchdog = spawn('/bin/sh', ['-c', WATCHDOG, 'sh', String(pid), this.plan.temporaryDir ?? ''], {
      cwd: '/',
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    watchdog.once('error', () => undefined); // no shell here: the next start still clears what is left over
    watchdog.stdin?.on('error', () => undefined);
    watchdog.unref();
    void this.whenGone.then(() => watchdog.kill('SIGKILL'));
  }
}

/** $1: whom to interrupt when our end of the pipe is gone. $2: what to remove when it has ended (up to 10 s). */
const WATCHDOG = `
read -r _
kill -INT "$1"
[ -n "$2" ] || exit
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$1" 2>/dev/null || break; sleep 1; done
rm -rf -- "$2"
`;

/**
 * A TCP port on 127.0.0.1 that was free a moment ago. Another process can take it before the server binds it, so
 * callers try again.
 *
 * @param wanted This one; default: any.
 * @throws LocalProcessError `port_taken` when `wanted` is not free
 */
export function findFreePort(wanted = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', () =>
      reject(
        new LocalProcessError(
          'port_taken',
          `Port ${wanted} of 127.0.0.1 is in use.`,
          'Name another one, or none to get a free one.',
        ),
      ),
    );
    server.listen(wanted, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Throws {@link LocalProcessError} `did_not_become_ready` when `ready` stays false for `timeoutMs`. */
export async function waitUntil(what: string, timeoutMs: number, ready: () => boolean | Promise<boolean>) {
  const deadline = Date.now() + timeoutMs;
  while (!(await ready())) {
    if (Date.now() > deadline) {
      throw new LocalProcessError(
        'did_not_become_ready',
        `${what} took longer than ${timeoutMs} ms.`,
        'Look at the log file beside the data; a very busy machine or a full disk is the usual cause.',
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function keepPreviousLog(logFile: string): void {
  if (statSync(logFile, { throwIfNoEntry: false })) renameSync(logFile, `${logFile}.previous`);
}
