import { createHash } from 'node:crypto';
import { type Simulation } from './simulation';
import { StripeFault, badParameter } from './stripe-fault';
import { type KeptAnswer } from './tables';

const KEPT_SECONDS = 86_400;
const MAX_KEY_LENGTH = 255;

/**
 * The answers kept under idempotency keys: https://docs.stripe.com/api/idempotent_requests
 *
 * The first answer of a key, a failure too, is repeated for a day; another endpoint or other parameters under the
 * same key are refused; while the first is still at work the key is in use (409, which clients may retry).
 */
export class IdempotencyKeys {
  private readonly inFlight = new Set<string>();

  constructor(private readonly sim: Simulation) {}

  /** The kept answer, or nothing when the request must be done: then call `finish` in every case. */
  begin(key: string, endpoint: string, body: string): KeptAnswer | undefined {
    if (key.length > MAX_KEY_LENGTH) {
      throw badParameter('parameter_invalid', `Idempotency keys have up to ${MAX_KEY_LENGTH} characters.`);
    }
    const oldest = this.sim.now() - KEPT_SECONDS;
    this.sim.store.dropOldest('kept_answers', ({ created }) => created < oldest);
    const kept = this.sim.store.get('kept_answers', key);
    if (kept !== undefined) {
      if (kept.endpoint !== endpoint)
        throw reused(`for the same endpoint they were first used for ('${kept.endpoint}')`, key);
      if (kept.fingerprint !== fingerprint(body))
        throw reused('with the same parameters they were first used with', key);
      return kept;
    }
    if (this.inFlight.has(key)) throw inUse(key);
    this.inFlight.add(key);
    return undefined;
  }

  /** Frees the key, and keeps the answer under it unless the endpoint never started to run. */
  finish(key: string, body: string, answer: Omit<KeptAnswer, 'id' | 'fingerprint' | 'created'> | undefined): void {
    this.inFlight.delete(key);
    if (answer === undefined) return;
    const row = { id: key, fingerprint: fingerprint(body), created: this.sim.now(), ...answer };
    this.sim.store.put('kept_answers', row);
  }
}

/** Stripe compares parameters, not bytes: the order of the pairs does not count. */
function fingerprint(body: string): string {
  return createHash('sha256').update(body.split('&').toSorted().join('&')).digest('hex');
}

function reused(how: string, key: string): StripeFault {
  const message = `Keys for idempotent requests can only be used ${how}. Try using a key other than '${key}' if you meant to execute a different request.`;
  return new StripeFault(400, { type: 'idempotency_error', message }, true);
}

function inUse(key: string): StripeFault {
  const message = `There is currently another in-progress request using this Idempotent Key (${key}). Please try again later.`;
  return new StripeFault(409, { type: 'invalid_request_error', code: 'idempotency_key_in_use', message }, true);
}
