import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { waitUntil } from './guarded-process';
import { LocalProcessError } from './local-process.error';

/** A live process of this machine. `cwd` is known on Linux only. */
export interface LiveProcess {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  readonly cwd: string | undefined;
}

/**
 * Ends what a crashed run left behind: interrupts it (which is a clean shutdown for both of our servers), and kills
 * what has not gone after five seconds. Processes are found by what they are, not by a stored pid, because a pid is
 * given to another program sooner or later.
 *
 * @param ownerFile `<pid of the run that started it> <its pid>`, written by `GuardedProcess`.
 * @param belongs Whether a process serves the data we are about to open.
 * @returns how many processes were ended.
 * @throws LocalProcessError `already_running` when its starter is alive: that is a second start, not a leftover.
 */
export async function clearLeftovers(
  ownerFile: string,
  what: string,
  belongs: (found: LiveProcess) => boolean,
): Promise<number> {
  const search = () => liveProcesses().filter(belongs);
  await refuseWhenOwned(search, ownerFile, what);
  const found = search();
  if (found.length === 0) return 0;
  const pids = new Set(found.map(({ pid }) => pid));
  for (const { pid } of found.filter(({ parent }) => !pids.has(parent))) {
    sendSignal(pid, 'SIGINT');
    sendSignal(pid, 'SIGCONT'); // a suspended process would never see the interrupt
  }
  const gone = () => search().length === 0;
  await waitUntil(`Stopping a left-over ${what}`, 5_000, gone).catch(() => {
    for (const { pid } of search()) sendSignal(pid, 'SIGKILL');
  });
  await waitUntil(`Killing a left-over ${what}`, 3_000, gone).catch(() => {
    throw new LocalProcessError(
      'leftover_survives',
      `A left-over ${what} (pid ${[...pids].join(', ')}) could not be ended.`,
      'End it by hand, as the user it runs under, and start again.',
    );
  });
  return found.length;
}

async function refuseWhenOwned(search: () => LiveProcess[], ownerFile: string, what: string): Promise<void> {
  if (!existsSync(ownerFile)) return;
  const [owner, child] = readFileSync(ownerFile, 'utf8').trim().split(' ').map(Number);
  // An orphan was given another parent when its starter died.
  const owned = () => search().some(({ pid, parent }) => pid === child && parent === owner);
  // One that was killed a moment ago is still listed, and is no reason to refuse.
  await waitUntil('', 300, () => !owned()).catch(() => {
    throw new LocalProcessError(
      'already_running',
      `The ${what} of this directory already runs, started by process ${owner}.`,
      'Stop that one first, or use another data directory.',
    );
  });
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it ended in between
  }
}

function liveProcesses(): LiveProcess[] {
  if (process.platform === 'linux') {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((name) => readProcess(Number(name)) ?? []);
  }
  const table = execFileSync('ps', ['-axo', 'pid=,ppid=,command='], { encoding: 'utf8', maxBuffer: 64 << 20 });
  return [...table.matchAll(/^\s*(\d+)\s+(\d+)\s+(.*)$/gm)].map(([, pid, parent, command]) => ({
    pid: Number(pid),
    parent: Number(parent),
    command: command ?? '',
    cwd: undefined,
  }));
}

function readProcess(pid: number): LiveProcess | undefined {
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    if (command === '') return undefined; // a zombie or a kernel thread
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    return { pid, parent, command, cwd: readlinkSync(`/proc/${pid}/cwd`) };
  } catch {
    return undefined; // it ended in between, or belongs to another user and so is none of ours
  }
}
