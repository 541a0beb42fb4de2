import { runCli } from '../../src/cli';
import type { Entry } from '../../src/cli/command';

/** What a command printed, and its exit code. */
export interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/**
 * Runs `tollbridge …args` in this process, against the database that the environment names. `commands`: those of the
 * product are loaded by the names of compiled files, so a test names its own.
 */
export async function runCommand(commands: readonly Entry[], ...args: string[]): Promise<Said> {
  const said = { out: '', err: '' };
  const listen = (stream: NodeJS.WriteStream, to: 'out' | 'err') =>
    jest.spyOn(stream, 'write').mockImplementation((text) => {
      said[to] += text.toString();
      return true;
    });
  const spies = [listen(process.stdout, 'out'), listen(process.stderr, 'err')];
  try {
    const code = await runCli(args, commands);
    return { code, ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
