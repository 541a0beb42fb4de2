import { StripeFault } from './stripe-fault';

/**
 * How a request goes wrong. `reset_before` and `reset_after` close the connection without an answer, before the request
 * was done or after; `500_after` did it and answers 500. All others did nothing and keep nothing under the idempotency
 * key. `500_retry` and `500_no_retry` carry the header `stripe-should-retry`, which clients obey. `latency` only waits.
 */
export const FAULT_KINDS = [
  ...(['429', '500', '500_retry', '500_no_retry', '500_after', 'latency', 'reset_before', 'reset_after'] as const),
];
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  kind: FaultKind;
  /** Of any method when undefined. */
  method: string | undefined;
  /** How the paths begin that it happens to; all when undefined. */
  path: string | undefined;
  /** Requests that go well first. */
  skip: number;
  /** Requests that it happens to. */
  times: number;
  /** Of kind `latency`. */
  latencyMs: number;
}

/** What shall go wrong with coming requests; each fault is used up after its `times`. */
export class Faults {
  private faults: Fault[] = [];

  add(fault: Fault): void {
    this.faults.push(fault);
  }

  clear(): void {
    this.faults = [];
  }

  list(): readonly Fault[] {
    return this.faults;
  }

  /** What happens to this request: the first fault that fits and has no requests to spare left. */
  take(method: string, path: string): Fault | undefined {
    for (const fault of this.faults) {
      if (fault.method !== undefined && fault.method !== method) continue;
      if (fault.path !== undefined && !path.startsWith(fault.path)) continue;
      if (fault.skip > 0) {
        fault.skip -= 1;
        continue;
      }
      fault.times -= 1;
      this.faults = this.faults.filter(({ times }) => times > 0);
      return fault;
    }
    return undefined;
  }
}

/** What a fault answers instead of the endpoint; nothing for those that lose the answer or only wait. */
export function faultAnswer(kind: FaultKind): { fault: StripeFault; shouldRetry?: 'false' | 'true' } | undefined {
  switch (kind) {
    case '429':
      return {
        fault: new StripeFault(429, { type: 'invalid_request_error', code: 'rate_limit', message: RATE }, true),
      };
    case '500':
    case '500_after':
      return { fault: broken() };
    case '500_retry':
      return { fault: broken(), shouldRetry: 'true' };
    case '500_no_retry':
      return { fault: broken(), shouldRetry: 'false' };
    case 'latency':
    case 'reset_after':
    case 'reset_before':
      return undefined;
  }
}

const RATE = 'Request rate limit exceeded. Learn more about rate limits here https://docs.stripe.com/rate-limits.';

function broken(): StripeFault {
  const message = 'Sorry, an error has occurred. We have been notified. (Injected by the simulator.)';
  return new StripeFault(500, { type: 'api_error', message }, true);
}
