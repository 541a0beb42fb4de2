import { InvalidRequestError } from '../common/billing-error';

/**
 * What a model costs, in force from an instant until a later version. Never changed: invoices name the version.
 * Token rates are nano-USD per million tokens; the others are nano-USD per unit.
 */
export interface Rates {
  readonly inputNanoPerMillion?: bigint;
  /** Left out: as `inputNanoPerMillion`, never free by omission. */
  readonly cachedInputNanoPerMillion?: bigint;
  /** Left out: as `inputNanoPerMillion`. */
  readonly cacheWriteNanoPerMillion?: bigint;
  readonly outputNanoPerMillion?: bigint;
  /** Left out: as `outputNanoPerMillion`. */
  readonly reasoningNanoPerMillion?: bigint;
  readonly perRequestNano?: bigint;
  readonly perSecondNano?: bigint;
  /** By `size:quality`, by `size`, or `default`. */
  readonly perImageNano?: Readonly<Record<string, bigint>>;
}

export interface Price {
  readonly id: string;
  readonly modelId: string;
  readonly version: number;
  readonly effectiveFrom: Date;
  readonly rates: Rates;
}

/** $100,000 per million tokens or per unit: beyond it somebody confused the units. */
const MAX_NANO = 100_000_000_000_000n;
const SCALARS = [
  'inputNanoPerMillion',
  'cachedInputNanoPerMillion',
  'cacheWriteNanoPerMillion',
  'outputNanoPerMillion',
  'reasoningNanoPerMillion',
  'perRequestNano',
  'perSecondNano',
] as const;

/**
 * Reads rates from JSON, where integers are decimal strings.
 * @throws InvalidRequestError `invalid_rates` that names the field.
 */
export function parseRates(json: unknown): Rates {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) throw invalidRates('rates', 'an object');
  const given = json as Record<string, unknown>;
  const unknown = Object.keys(given).find((key) => key !== 'perImageNano' && !SCALARS.includes(key as never));
  if (unknown !== undefined) throw invalidRates(unknown, `one of ${[...SCALARS, 'perImageNano'].join(', ')}`);
  const scalars = SCALARS.filter((field) => given[field] !== undefined).map((field) => [
    field,
    nano(field, given[field]),
  ]);
  if (given['perImageNano'] === undefined) return Object.fromEntries(scalars) as Rates;
  const images = Object.entries(given['perImageNano'] as object).map(([size, value]) => [
    size,
    nano(`perImageNano.${size}`, value),
  ]);
  return Object.fromEntries([...scalars, ['perImageNano', Object.fromEntries(images)]]) as Rates;
}

/** Rates as JSON, integers as decimal strings. */
export function serializeRates(rates: Rates): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify(rates, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)),
  );
}

function nano(field: string, value: unknown): bigint {
  if (typeof value !== 'string' || !/^\d{1,15}$/.test(value)) throw invalidRates(field, 'a decimal string of nano-USD');
  const atoms = BigInt(value);
  if (atoms > MAX_NANO) throw invalidRates(field, `at most ${MAX_NANO} nano-USD`);
  return atoms;
}

const invalidRates = (field: string, should: string): InvalidRequestError =>
  new InvalidRequestError({
    code: 'invalid_rates',
    detail: `${field.slice(0, 60)} must be ${should}.`,
    hint: 'A rate of $0.15 per million tokens is "150000000" nano-USD.',
  });
