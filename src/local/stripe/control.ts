import { type Simulation } from './simulation';
import { badParameter } from './stripe-fault';

/**
 * A switch of the simulator: `POST /_simulator/<path>`, no key, a JSON object in and out. It does what Stripe's API
 * cannot do: what card holders, banks, the dashboard and time do.
 */
export interface Control {
  /** With `:id` where it acts on one object. */
  readonly path: string;
  readonly press: (press: Press) => object | Promise<object>;
}

export interface Press {
  readonly sim: Simulation;
  /** The `:id` of the path; empty where the path has none. */
  readonly id: string;
  readonly body: ControlBody;
}

/** Typed reading of a control's body. `undefined` is "not sent"; what is sent wrongly, or is unknown, is refused. */
export class ControlBody {
  constructor(private readonly values: Record<string, unknown>) {}

  only(...names: string[]): this {
    const unknown = Object.keys(this.values).find((key) => !names.includes(key));
    if (unknown !== undefined)
      throw badParameter('parameter_unknown', `Received unknown parameter: ${unknown}`, unknown);
    return this;
  }

  string(name: string): string | undefined {
    const value = this.values[name];
    if (value === undefined || typeof value === 'string') return value;
    throw wrong(name, 'a string');
  }

  integer(name: string, least: number, most = Number.MAX_SAFE_INTEGER): number | undefined {
    const value = this.values[name];
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw wrong(name, `a whole number from ${least} to ${most}`);
  }

  boolean(name: string): boolean | undefined {
    const value = this.values[name];
    if (value === undefined || typeof value === 'boolean') return value;
    throw wrong(name, 'a boolean');
  }

  strings(name: string): string[] | undefined {
    const value = this.values[name];
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
    throw wrong(name, 'a list of strings');
  }

  /** A hash of strings. */
  hash(name: string): Record<string, string> | undefined {
    const value = this.values[name];
    if (value === undefined) return undefined;
    const isHash = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (isHash && Object.values(value).every((item) => typeof item === 'string'))
      return value as Record<string, string>;
    throw wrong(name, 'an object of strings');
  }

  oneOf<T extends string>(name: string, allowed: readonly T[]): T | undefined {
    const value = this.values[name];
    const found = allowed.find((one) => one === value);
    if (value === undefined || found !== undefined) return found;
    throw wrong(name, `one of ${allowed.join(', ')}`);
  }

  /** As `oneOf`, and must be there. */
  required<T extends string>(name: string, allowed: readonly T[]): T {
    const value = this.oneOf(name, allowed);
    if (value === undefined) throw wrong(name, `one of ${allowed.join(', ')}`);
    return value;
  }
}

function wrong(name: string, expected: string): Error {
  return badParameter('parameter_invalid', `${name} is ${expected}`, name);
}
