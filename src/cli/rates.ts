import { formatMoney, parseMoney, usd } from '../common/money';
import type { Rates } from '../pricing/price';
import { type Given, type Option, UsageError } from './command';

/** Options in whole US dollars and what they set: `PER_MILLION` by tokens, `PER_UNIT` by unit. */
const PER_MILLION = {
  input: 'inputNanoPerMillion',
  'cached-input': 'cachedInputNanoPerMillion',
  'cache-write': 'cacheWriteNanoPerMillion',
  output: 'outputNanoPerMillion',
  reasoning: 'reasoningNanoPerMillion',
} as const;
const PER_UNIT = { 'per-request': 'perRequestNano', 'per-second': 'perSecondNano' } as const;
const SCALARS: Readonly<Record<string, keyof Rates>> = { ...PER_MILLION, ...PER_UNIT };

export const RATE_OPTIONS: Readonly<Record<string, Option>> = {
  input: { value: 'USD', about: 'Per million input tokens' },
  'cached-input': { value: 'USD', about: 'Per million cached input tokens; as input when left out' },
  'cache-write': { value: 'USD', about: 'Per million tokens written to a cache; as input when left out' },
  output: { value: 'USD', about: 'Per million output tokens' },
  reasoning: { value: 'USD', about: 'Per million reasoning tokens; as output when left out' },
  'per-request': { value: 'USD', about: 'Per request' },
  'per-second': { value: 'USD', about: 'Per second' },
  image: { value: '[SIZE=]USD', about: 'Per image, of a size such as 1024x1024 or 1024x1024:hd', multiple: true },
};

/** The rates on a command line. @throws UsageError that names the option. */
export function ratesIn(given: Given): Rates {
  const scalars = Object.entries(SCALARS)
    .map(([option, field]) => [field, given.text(option), option] as const)
    .filter(([, text]) => text !== undefined)
    .map(([field, text, option]) => [field, nanoOf(option, text as string)]);
  const images = given.all('image').map((text) => {
    const [amount = '', size = 'default'] = text.split('=').toReversed();
    return [size, nanoOf('image', amount)];
  });
  if (scalars.length + images.length === 0) throw new UsageError(`Name at least one rate, such as --input 0.15.`);
  return {
    ...Object.fromEntries(scalars),
    ...(images.length === 0 ? {} : { perImageNano: Object.fromEntries(images) }),
  } as Rates;
}

/** Rates for a person: `input 0.15, output 0.6 per M; image 0.04`. */
export function showRates(rates: Rates): string {
  const named = (options: Readonly<Record<string, keyof Rates>>) =>
    Object.entries(options)
      .filter(([, field]) => rates[field] !== undefined)
      .map(([option, field]) => `${option} ${formatMoney(usd(rates[field] as bigint))}`)
      .join(', ');
  const tokens = named(PER_MILLION);
  const units = named(PER_UNIT);
  const images = Object.entries(rates.perImageNano ?? {})
    .map(([size, nano]) => `${size === 'default' ? 'image' : `image ${size}`} ${formatMoney(usd(nano))}`)
    .join(', ');
  return [tokens === '' ? '' : `${tokens} per M`, units, images].filter((part) => part !== '').join('; ');
}

function nanoOf(option: string, text: string): bigint {
  try {
    const { atoms } = parseMoney(text, 'USD');
    if (atoms >= 0n) return atoms;
  } catch {
    // Said below, with the option's name
  }
  throw new UsageError(`--${option} is an amount in US dollars such as 0.15, not "${text}".`);
}
