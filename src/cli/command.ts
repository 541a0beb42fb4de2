import { parseArgs } from 'node:util';

/** A command in the list of all. What it needs is loaded when it is called: the help is there at once. */
export interface Entry {
  /** One or two words, as typed: `keys create`. */
  readonly name: string;
  /** One line. */
  readonly summary: string;
  load(): Promise<Command>;
}

/** One command: data for its help, and what it does. */
export interface Command {
  /** Positional arguments by name; the last may end with `?`, and may then be left out. */
  readonly positionals?: readonly string[];
  readonly options?: Readonly<Record<string, Option>>;
  /** What the help says below the options. */
  readonly notes?: readonly string[];
  run(given: Given): Promise<void>;
}

export interface Option {
  readonly about: string;
  /** What stands for the value in the help; left out: the option is a switch. */
  readonly value?: string;
  readonly required?: boolean;
  readonly multiple?: boolean;
}

/** The command line cannot be understood: exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What was wrong and what to do, without a stack: exit code 1, unless the command says otherwise. */
export class CommandError extends Error {
  override readonly name = 'CommandError';

  constructor(
    message: string,
    readonly exitCode = 1,
  ) {
    super(message);
  }
}

/** The command line as a command reads it. */
export class Given {
  constructor(
    private readonly options: Readonly<Record<string, string | boolean | readonly string[] | undefined>>,
    private readonly positionals: Readonly<Record<string, string>>,
  ) {}

  argument(name: string): string {
    return this.positionals[name] as string;
  }

  /** An argument whose name ends with `?`. */
  optionalArgument(name: string): string | undefined {
    return this.positionals[name];
  }

  text(option: string): string | undefined {
    const value = this.options[option];
    return typeof value === 'string' ? value : undefined;
  }

  /** A required option; `readCommandLine` has seen to it. */
  required(option: string): string {
    return this.options[option] as string;
  }

  flag(option: string): boolean {
    return this.options[option] === true;
  }

  /** Every value of an option that may be repeated. */
  all(option: string): readonly string[] {
    const value = this.options[option];
    return Array.isArray(value) ? (value as readonly string[]) : [];
  }

  /** Comma-separated words. */
  words(option: string): string[] | undefined {
    const words = this.text(option)
      ?.split(',')
      .map((word) => word.trim());
    if (words?.some((word) => word === '')) throw new UsageError(`--${option} is a list such as a,b without gaps.`);
    return words;
  }

  /** A whole number from `least` to `most`. @throws UsageError */
  integer(option: string, least: number, most: number): number | undefined {
    const text = this.text(option);
    if (text === undefined) return undefined;
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new UsageError(`--${option} is a whole number from ${least} to ${most}, not "${text}".`);
  }

  /** An instant in ISO 8601. @throws UsageError */
  instant(option: string): Date | undefined {
    const text = this.text(option);
    if (text === undefined) return undefined;
    const instant = new Date(text);
    if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(instant.getTime())) return instant;
    throw new UsageError(`--${option} is a date such as 2026-12-31 or 2026-12-31T08:00:00Z, not "${text}".`);
  }
}

/** Reads what follows a command's name. `help` when it was asked for. @throws UsageError that names what is wrong. */
export function readCommandLine(name: string, command: Command, args: readonly string[]): Given | 'help' {
  const options = Object.fromEntries(
    Object.entries(command.options ?? {}).map(([name, option]) => [
      name,
      {
        type: option.value === undefined ? ('boolean' as const) : ('string' as const),
        multiple: option.multiple ?? false,
      },
    ]),
  );
  const help = { type: 'boolean' as const, short: 'h' };
  const { values, positionals } = parse(args, { ...options, help });
  if (values['help'] === true) return 'help';
  const wanted = command.positionals ?? [];
  const missing = wanted[positionals.length];
  if (missing !== undefined && !missing.endsWith('?')) throw new UsageError(`${name} needs <${missing}>.`);
  const extra = positionals[wanted.length];
  if (extra !== undefined) throw new UsageError(`${name} does not take the argument "${extra}".`);
  for (const [option, { required, value }] of Object.entries(command.options ?? {})) {
    if (required && values[option] === undefined) {
      throw new UsageError(`${name} needs --${option} <${value}>.`);
    }
  }
  return new Given(
    values as Record<string, string | boolean | string[]>,
    Object.fromEntries(positionals.map((value, at) => [wanted[at]?.replace('?', ''), value])),
  );
}

type ParseOptions = Record<string, { type: 'string' | 'boolean'; short?: string; multiple?: boolean }>;

function parse(args: readonly string[], options: ParseOptions) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    // Node's sentences name the option; what it adds about positional arguments confuses here.
    const sentence = (error as Error).message.split('. ')[0] ?? '';
    throw new UsageError(`${sentence.replace(/\.$/, '')}.`);
  }
}

/** The help of one command. */
export function helpOf({ name, summary }: Entry, command: Command): string {
  const options = Object.entries({ ...command.options, help: HELP });
  const shown = options.map(([long, option]): [string, string] => [
    `--${long}${option.value === undefined ? '' : ` <${option.value}>`}`,
    `${option.about}${option.required ? ' (required)' : ''}${option.multiple ? ' (may be repeated)' : ''}`,
  ]);
  const width = Math.max(...shown.map(([left]) => left.length)) + 2;
  const positionals = (command.positionals ?? []).map(shownArgument).join('');
  return [
    `tollbridge ${name}${positionals} [options]`,
    '',
    summary,
    '',
    ...shown.map(([left, right]) => `  ${left.padEnd(width)}${right}`),
    ...(command.notes === undefined ? [] : ['', ...command.notes]),
    '',
  ].join('\n');
}

const shownArgument = (word: string) => (word.endsWith('?') ? ` [<${word.slice(0, -1)}>]` : ` <${word}>`);

const HELP: Option = { about: 'Show this' };
