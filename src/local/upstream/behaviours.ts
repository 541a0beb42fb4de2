import { UpstreamError } from './upstream-error';

/**
 * What a request may ask of the upstream, and the argument each behaviour takes: a number is the argument's default,
 * `required` has none, `none` takes none. Any number may be combined; README.md says what each one does.
 */
const ARGUMENTS = {
  slow: 'required',
  'chunk-delay': 'required',
  tokens: 'required',
  fail: 500,
  reset: 'none',
  'fail-mid': 1,
  'reset-mid': 1,
  'eof-mid': 1,
  hang: 'none',
  'bad-json': 'none',
  'no-usage': 'none',
  'zero-usage': 'none',
  'null-usage': 'none',
  'placeholder-usage': 'none',
  cached: 'required',
  'cache-write': 'required',
  reasoning: 'required',
  'usage-with-choices': 'none',
  comments: 'none',
  split: 'none',
  'settlement-override': 'none',
  'set-cookie': 'none',
} as const satisfies Record<string, number | 'required' | 'none'>;

export type BehaviourName = keyof typeof ARGUMENTS;

/** The behaviours one request asked for; a flag's value is 1. */
export type Behaviours = ReadonlyMap<BehaviourName, number>;

/** Names accepted in the header and in the model suffix. */
export const BEHAVIOUR_NAMES = Object.keys(ARGUMENTS) as BehaviourName[];

/** Asked for nothing: the request takes the fast path. */
export const NO_BEHAVIOURS: Behaviours = new Map();

/**
 * Splits `gpt-4o-mini+slow=200,no-usage` into the model and the text of its behaviours. A name that merely ends in
 * `+` is left whole, because real models are named so (`command-r+`).
 */
export function splitModel(model: string): { model: string; suffix: string } {
  const plus = model.indexOf('+');
  if (plus <= 0 || plus === model.length - 1) return { model, suffix: '' };
  return { model: model.slice(0, plus), suffix: model.slice(plus + 1) };
}

/**
 * Reads `<name>[=<arg>]` items separated by `,` or `+`. The header is read last and so wins over the model's suffix.
 * @throws UpstreamError 400 `unknown_behaviour` on a name or argument it does not know: a typo in a test must not
 * pass for a well-behaved upstream.
 */
export function readBehaviours(suffix: string, header: string): Behaviours {
  if (suffix === '' && header === '') return NO_BEHAVIOURS;
  const behaviours = new Map<BehaviourName, number>();
  for (const item of `${suffix},${header}`.split(/[,+]/)) {
    const text = item.trim();
    if (text !== '') readOne(text, behaviours);
  }
  return behaviours;
}

function readOne(text: string, into: Map<BehaviourName, number>): void {
  const [name = '', argument] = text.split('=', 2);
  if (!isBehaviour(name)) throw refuse(`Unknown behaviour '${name}'. Known: ${BEHAVIOUR_NAMES.join(', ')}.`);
  const rule = ARGUMENTS[name];
  if (rule === 'none') {
    if (argument !== undefined) throw refuse(`Behaviour '${name}' takes no argument.`);
    into.set(name, 1);
    return;
  }
  if (argument === undefined) {
    if (rule === 'required') throw refuse(`Behaviour '${name}' needs an argument: ${name}=<n>.`);
    into.set(name, rule);
    return;
  }
  if (!/^\d{1,7}$/.test(argument)) throw refuse(`Behaviour '${name}' needs a whole number, not '${argument}'.`);
  const value = Number(argument);
  if (name === 'fail' && (value < 400 || value > 599)) throw refuse(`'fail' takes a status from 400 to 599.`);
  into.set(name, value);
}

function isBehaviour(name: string): name is BehaviourName {
  return Object.hasOwn(ARGUMENTS, name);
}

function refuse(message: string): UpstreamError {
  return new UpstreamError(400, message, 'x-upstream-behave', 'unknown_behaviour');
}
