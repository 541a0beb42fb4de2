import { BillingError } from './common/billing-error';
import { CommandError, type Entry, helpOf, readCommandLine, UsageError } from './cli/command';
import { COMMANDS } from './cli/commands';
import { explain } from './cli/explain';

/**
 * The command line: `tollbridge <command> [options]`. Exit code 0: done; 1: it failed; 2: it was not understood; or what
 * the command says.
 */
export async function runCli(args: readonly string[], commands: readonly Entry[] = COMMANDS): Promise<number> {
  try {
    const found = findCommand(args, commands);
    if (typeof found === 'string') {
      process.stdout.write(found);
      return 0;
    }
    const command = await found.entry.load();
    const given = readCommandLine(found.entry.name, command, found.rest);
    if (given === 'help') process.stdout.write(helpOf(found.entry, command));
    else await command.run(given);
    return 0;
  } catch (error) {
    if (error instanceof UsageError) {
      process.stderr.write(`${error.message}\nSee tollbridge ${helpHint(args)}--help.\n`);
      return 2;
    }
    process.stderr.write(`${explain(error)}\n`);
    if (process.env['DEBUG'] && !(error instanceof CommandError || error instanceof BillingError)) console.error(error);
    return error instanceof CommandError ? error.exitCode : 1;
  }
}

/** The command that the first words name, or the help that they ask for. @throws UsageError */
function findCommand(
  args: readonly string[],
  commands: readonly Entry[],
): { entry: Entry; rest: readonly string[] } | string {
  const [first, second] = args;
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') return overview(commands);
  const single = commands.find(({ name }) => name === first);
  if (single) return { entry: single, rest: args.slice(1) };
  const group = commands.filter(({ name }) => name.startsWith(`${first} `));
  if (group.length === 0) throw new UsageError(`There is no command "${first}".`);
  if (second === '--help' || second === '-h') return overview(group);
  const entry = group.find(({ name }) => name === `${first} ${second}`);
  if (entry) return { entry, rest: args.slice(2) };
  const ways = group.map(({ name }) => name.split(' ')[1]).join(', ');
  if (second === undefined || second.startsWith('-')) throw new UsageError(`${first} needs one of: ${ways}.`);
  throw new UsageError(`There is no command "${first} ${second}". ${first} knows: ${ways}.`);
}

function overview(commands: readonly Entry[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  return [
    'tollbridge <command> [options]',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
    '',
    'Settings come from the environment and from .env; .env.example explains them. Without DATABASE_URL, commands use',
    'the local stack that `npm start` runs. tollbridge <command> --help says more.',
    '',
  ].join('\n');
}

function helpHint(args: readonly string[]): string {
  const known = COMMANDS.find(({ name }) => name === args.slice(0, 2).join(' ') || name === args[0]);
  if (known) return `${known.name} `;
  return COMMANDS.some(({ name }) => name.startsWith(`${args[0]} `)) ? `${args[0]} ` : '';
}

if (require.main === module) {
  void main();
}

/** What keeps running (dev, start, worker) ends by a signal; everything else ends when its work is done. */
export async function main(): Promise<void> {
  const code = await runCli(process.argv.slice(2));
  if (code !== 0) process.exit(code);
}
