import { type Params } from './params';
import { type Caller, type Simulation } from './simulation';

/** One API request, past authentication and idempotency. */
export interface Call {
  readonly sim: Simulation;
  readonly params: Params;
  /** The `:id` of the path; empty where the path has none. */
  readonly id: string;
  readonly caller: Caller;
  /** The path of this request: what a list calls its `url`. */
  readonly path: string;
}

/** One endpoint of the API: `handle` answers with the object, or throws a `StripeFault`. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly handle: (call: Call) => object;
}
