import { type FormHash } from './bracket-form';
import { badParameter } from './stripe-fault';

/** Limits of https://docs.stripe.com/api/metadata */
const METADATA_KEYS = 50;
const METADATA_KEY_LENGTH = 40;
const METADATA_VALUE_LENGTH = 500;

/**
 * Typed reading of a request's parameters, refusing what Stripe refuses with Stripe's codes.
 *
 * `undefined` is "not sent". An empty string is how stripe-node sends `null` ("unset this"), so optional readers
 * hand it back as `null`. Every refusal is thrown as a `StripeFault` with status 400.
 */
export class Params {
  constructor(
    private readonly values: FormHash,
    private readonly prefix = '',
  ) {}

  /** Refuses every key that is not named here. Call it first: Stripe checks names before values. */
  only(...names: string[]): this {
    const unknown = [...this.values.keys()].filter((key) => !names.includes(key));
    if (unknown.length > 0) {
      const full = unknown.map((key) => this.path(key));
      const plural = full.length > 1 ? 's' : '';
      throw badParameter('parameter_unknown', `Received unknown parameter${plural}: ${full.join(', ')}`, full[0]);
    }
    return this;
  }

  has(name: string): boolean {
    return this.values.has(name);
  }

  /** As it came, for the few parameters that may be a value or a hash. */
  raw(name: string): FormHash | string | undefined {
    return this.values.get(name);
  }

  optional(name: string): string | null | undefined {
    const value = this.values.get(name);
    if (value instanceof Map) throw badParameter('parameter_invalid_string', 'Invalid string', this.path(name));
    return value === '' ? null : value;
  }

  string(name: string): string {
    const value = this.optional(name);
    if (value === undefined) throw this.missing(name);
    if (value === null) {
      const message = `You passed an empty string for '${this.path(name)}'.`;
      throw badParameter('parameter_invalid_empty', message, this.path(name));
    }
    return value;
  }

  /** A whole number within ± 2^53; `minimum` is inclusive. */
  optionalInteger(name: string, minimum = Number.MIN_SAFE_INTEGER): number | undefined {
    const text = this.optional(name);
    if (text === undefined || text === null) return undefined;
    if (!/^-?\d{1,15}$/.test(text)) {
      throw badParameter('parameter_invalid_integer', `Invalid integer: ${text}`, this.path(name));
    }
    const value = Number(text);
    if (value < minimum) {
      const message = `This value must be greater than or equal to ${minimum}.`;
      throw badParameter('parameter_invalid_integer', message, this.path(name));
    }
    return value;
  }

  integer(name: string, minimum?: number): number {
    const value = this.optionalInteger(name, minimum);
    if (value === undefined) throw this.missing(name);
    return value;
  }

  boolean(name: string): boolean | undefined {
    const text = this.optional(name);
    if (text === undefined || text === null) return undefined;
    if (text !== 'true' && text !== 'false') {
      throw badParameter('parameter_invalid_boolean', `Invalid boolean: ${text}`, this.path(name));
    }
    return text === 'true';
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const text = this.optional(name);
    if (text === undefined || text === null) return undefined;
    const found = allowed.find((value) => value === text);
    if (found !== undefined) return found;
    throw badParameter(
      'parameter_invalid',
      `Invalid ${this.path(name)}: must be one of ${allowed.join(', ')}`,
      this.path(name),
    );
  }

  /** A nested hash; `null` where it was sent empty. */
  hash(name: string): Params | null | undefined {
    const value = this.values.get(name);
    if (value instanceof Map) return new Params(value, this.path(name));
    if (value === '' || value === undefined) return value === '' ? null : undefined;
    throw badParameter('parameter_invalid_hash', 'Invalid object', this.path(name));
  }

  /** A list of hashes, by index. */
  hashes(name: string): Params[] {
    return this.items(name).map(([key, value]) => {
      if (value instanceof Map) return new Params(value, `${this.path(name)}[${key}]`);
      throw badParameter('parameter_invalid_hash', 'Invalid object', `${this.path(name)}[${key}]`);
    });
  }

  strings(name: string): string[] {
    return this.items(name).map(([key, value]) => {
      if (typeof value === 'string') return value;
      throw badParameter('parameter_invalid_string', 'Invalid string', `${this.path(name)}[${key}]`);
    });
  }

  /**
   * `current` with the sent keys merged in: an empty value removes its key, `metadata=''` removes all.
   * https://docs.stripe.com/api/metadata
   */
  metadata(current: Record<string, string> = {}, name = 'metadata'): Record<string, string> {
    const sent = this.hash(name);
    if (sent === null) return {};
    const merged = new Map(Object.entries(current));
    for (const [key, value] of sent?.values ?? []) {
      const param = `${this.path(name)}[${key}]`;
      if (value instanceof Map) throw badParameter('parameter_invalid_string', 'Metadata values are strings', param);
      if (key.length > METADATA_KEY_LENGTH || value.length > METADATA_VALUE_LENGTH) {
        const message = `Metadata keys have up to ${METADATA_KEY_LENGTH} and values up to ${METADATA_VALUE_LENGTH} characters`;
        throw badParameter('parameter_invalid', message, param);
      }
      if (value === '') merged.delete(key);
      else merged.set(key, value);
    }
    if (merged.size > METADATA_KEYS) {
      throw badParameter('parameter_invalid', `Metadata has up to ${METADATA_KEYS} keys`, this.path(name));
    }
    return Object.fromEntries(merged);
  }

  path(name: string): string {
    return this.prefix === '' ? name : `${this.prefix}[${name}]`;
  }

  private items(name: string): Array<[string, string | FormHash]> {
    const value = this.values.get(name);
    if (value === undefined || value === '') return [];
    if (!(value instanceof Map)) throw badParameter('parameter_invalid_array', 'Invalid array', this.path(name));
    return [...value].toSorted(([a], [b]) => Number(a) - Number(b));
  }

  private missing(name: string): Error {
    return badParameter('parameter_missing', `Missing required param: ${this.path(name)}.`, this.path(name));
  }
}
