import { type Command, type Entry, type Given, helpOf, readCommandLine, UsageError } from './command';

const command: Command = {
  positionals: ['id'],
  options: {
    name: { value: 'NAME', about: 'A name', required: true },
    size: { value: 'N', about: 'A size' },
    list: { value: 'LIST', about: 'Words' },
    at: { value: 'DATE', about: 'When' },
    image: { value: 'USD', about: 'Prices', multiple: true },
    json: { about: 'As JSON' },
  },
  run: () => Promise.resolve(),
};
const entry: Entry = { name: 'things make', summary: 'Make a thing', load: () => Promise.resolve(command) };
const read = (...args: string[]) => readCommandLine(entry.name, command, args) as Given;
const complaint = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof UsageError) return error.message;
    throw error;
  }
  throw new Error('There was no complaint.');
};

describe('readCommandLine', () => {
  it('reads arguments, options and switches in any order', () => {
    const given = read('--name', 'x', 'thing_1', '--image=1', '--json', '--image', '2');
    expect(given.argument('id')).toBe('thing_1');
    expect(given.required('name')).toBe('x');
    expect(given.text('size')).toBeUndefined();
    expect(given.flag('json')).toBe(true);
    expect(given.all('image')).toEqual(['1', '2']);
  });

  it('gives help before it complains', () => {
    expect(readCommandLine(entry.name, command, ['--help'])).toBe('help');
    expect(readCommandLine(entry.name, command, ['-h', 'a'])).toBe('help');
  });

  it.each([
    [['--name', 'x'], 'things make needs <id>.'],
    [['a'], 'things make needs --name <NAME>.'],
    [['a', 'b', '--name', 'x'], 'things make does not take the argument "b".'],
    [['a', '--nmae', 'x'], "Unknown option '--nmae'."],
    [['a', '--name'], "Option '--name <value>' argument missing."],
    [['a', '--name', 'x', '--json=yes'], "Option '--json' does not take an argument."],
  ])('says what is wrong with %j', (args, sentence) => {
    expect(complaint(() => read(...args))).toBe(sentence);
  });

  it('reads whole numbers, dates and lists, and names the option otherwise', () => {
    const given = read('a', '--name', 'x', '--size', '12', '--at', '2026-12-31', '--list', 'a, b');
    expect(given.integer('size', 1, 100)).toBe(12);
    expect(given.instant('at')).toEqual(new Date('2026-12-31T00:00:00Z'));
    expect(given.words('list')).toEqual(['a', 'b']);
    const bad = read('a', '--name', 'x', '--size', '1e9', '--at', 'tomorrow', '--list', 'a,,b');
    expect(complaint(() => bad.integer('size', 1, 100))).toContain('--size is a whole number from 1 to 100');
    expect(complaint(() => given.integer('size', 20, 100))).toContain('--size');
    expect(complaint(() => bad.instant('at'))).toContain('--at is a date');
    expect(complaint(() => bad.words('list'))).toContain('--list');
  });
});

describe('helpOf', () => {
  it('shows every option', () => {
    const help = helpOf(entry, command);
    expect(help).toContain('tollbridge things make <id> [options]\n\nMake a thing');
    expect(help).toContain('--name <NAME>  A name (required)');
    expect(help).toContain('--image <USD>  Prices (may be repeated)');
    expect(help).toContain('--help');
  });
});
