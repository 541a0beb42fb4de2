import type Stripe from 'stripe';
import { clockOf } from './account';
import { Agenda } from './agenda';
import { Faults } from './faults';
import { newId } from './ids';
import { type Store } from './store';
import { type WebhookDelivery } from './webhook-delivery';

/** The API version whose shapes the simulator speaks: the one stripe 23.1 pins. */
export const API_VERSION = '2026-10-28.endive';

/** Events are kept as long as Stripe keeps them readable: https://docs.stripe.com/api/events */
const EVENT_DAYS = 30;
const DAY_SECONDS = 86_400;

/** Whose request caused an event: shown in `event.request`. */
export interface Caller {
  id: string | null;
  idempotency_key: string | null;
}

/** A person at the hosted page, or time itself: no API request stands behind the change. */
export const NOBODY: Caller = { id: null, idempotency_key: null };

/** Everything a resource needs to act: the state, the clock, and a way to tell the world. */
export class Simulation {
  /** Where the simulator listens, without a slash at the end; known once it does. */
  url = '';
  /** Every API answer waits this long, while its idempotency key counts as in use. */
  latencyMs = 0;
  /** So many times money moves before and after each look at the balance or its transactions. */
  movesPerLook = 0;
  /** Aborted when the simulator stops: ends what still waits. */
  readonly stopping = new AbortController();
  readonly agenda: Agenda;
  readonly faults = new Faults();
  /** Set while something happens at its own time, which may be a while ago. */
  private pinned: number | undefined;

  constructor(
    readonly store: Store,
    readonly webhooks: WebhookDelivery,
    readonly log: (line: string) => void,
  ) {
    this.agenda = new Agenda(store);
  }

  /** Unix time in whole seconds, as all of Stripe's timestamps. */
  now(): number {
    return this.pinned ?? clockOf(this.store);
  }

  /** Does something as if it were `time`. */
  at(time: number, action: () => void): void {
    this.pinned = time;
    try {
      action();
    } finally {
      this.pinned = undefined;
    }
  }

  /**
   * Records that something happened to `object` and sends it to the webhook endpoints. The event keeps the object as
   * it is now: later changes do not reach it. `previous` holds the former values of what an `*.updated` changed.
   */
  emit(caller: Caller, type: Stripe.Event['type'], object: object, previous?: object): void {
    const data = { object: structuredClone(object), ...(previous && { previous_attributes: previous }) };
    const event = {
      id: newId('evt'),
      object: 'event',
      api_version: API_VERSION,
      created: this.now(),
      data,
      livemode: false,
      pending_webhooks: 0,
      request: caller,
      type,
    } as Stripe.Event;
    this.store.put('events', event);
    this.webhooks.dispatch(event);
    const oldest = this.now() - EVENT_DAYS * DAY_SECONDS;
    this.store.dropOldest('events', ({ created }) => created < oldest);
  }
}
