import type { IncomingHttpHeaders } from 'node:http';
import type { Usage } from './usage';
import type { Outcome } from './wire';

/** One call the upstream served. */
export interface UpstreamCall {
  /** The response's `x-request-id`; completions carry it in their own `id` as `chatcmpl-<id>`. */
  readonly id: string;
  /** Without the query. */
  readonly path: string;
  /** Without its behaviours; `null` when the request named none that could be read. */
  readonly model: string | null;
  readonly requestHeaders: IncomingHttpHeaders;
  /** The parsed body, the model's suffix still in it; `null` when there was none or it was not JSON. */
  readonly body: unknown;
  readonly outcome: Outcome;
  /** When the request had been read, in milliseconds since the epoch. */
  readonly at: number;
  /** The status sent; `null` when the call ended before there was one. */
  readonly status: number | null;
  /** What the whole answer would truly cost, whatever was reported and however much was delivered. */
  readonly usage: Usage | null;
}

const KEPT = 1000;

/** The last calls served. Trimmed by the thousand: shifting an array at every call would show in the bench. */
export class CallLog {
  private readonly kept: UpstreamCall[] = [];

  constructor(private readonly log: ((line: string) => void) | undefined) {}

  add(call: UpstreamCall): void {
    this.kept.push(call);
    if (this.kept.length >= 2 * KEPT) this.kept.splice(0, KEPT);
    this.log?.(`${call.path} ${call.model ?? '-'} ${call.status ?? '-'} ${call.outcome} ${call.id}`);
  }

  /** At most 1000, in the order they ended, newest last. */
  last(): UpstreamCall[] {
    return this.kept.slice(-KEPT);
  }
}
