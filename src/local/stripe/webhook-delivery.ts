import type Stripe from 'stripe';
import { Agent } from 'undici';
import { newId } from './ids';
import { type Store } from './store';
import { type Delivery } from './tables';
import { postWebhook } from './webhook-post';
import { secretsOf } from './webhook-secrets';
import { UNTOUCHED, type WebhookSwitches, reordered } from './webhook-switches';

/** Stripe retries for three days; the simulator does so in about three minutes, quickly at first. */
const RETRY_MS = [200, 1_000, 5_000, 30_000, 120_000];
const SHUFFLE_WINDOW_MS = 150;
const KEPT_DELIVERIES = 1_000;

/**
 * Sends events to webhook endpoints until they answer 2xx, as https://docs.stripe.com/webhooks describes: at least
 * once, signed, any other status (redirects too) is a failure and is retried with back-off. One endpoint gets one
 * webhook at a time, so the order is that of the events unless `shuffle` is on or a retry falls behind.
 */
export class WebhookDelivery {
  readonly switches: WebhookSwitches = { ...UNTOUCHED };
  private readonly timers = new Map<string, { timer: NodeJS.Timeout; dueAt: number }>();
  private readonly lanes = new Map<string, Promise<void>>();
  private readonly busy = new Set<string>();
  private gathered: string[] = [];
  private gathering: NodeJS.Timeout | undefined;
  private readonly agent = new Agent({ pipelining: 0 });
  private stopped = false;

  constructor(
    private readonly store: Store,
    private readonly log: (line: string) => void,
  ) {}

  /** The enabled endpoints that asked for this type of event. */
  endpointsFor(type: string): Stripe.WebhookEndpoint[] {
    return this.store
      .all('webhook_endpoints')
      .filter(
        ({ status, enabled_events: asked }) => status === 'enabled' && (asked.includes('*') || asked.includes(type)),
      );
  }

  /** Starts the event on its way to every endpoint that asked for it; `anyway` when it must not get lost. */
  dispatch(event: Stripe.Event, anyway = false): void {
    const endpoints = this.endpointsFor(event.type);
    event.pending_webhooks = endpoints.length;
    if (this.stopped) return;
    for (const endpoint of endpoints) {
      for (let copy = 0; copy <= this.switches.duplicate; copy += 1) this.enqueue(event, endpoint, anyway);
    }
  }

  /** After a restart: what was waiting goes on. */
  resume(): void {
    for (const { id } of this.waiting()) this.schedule(id, 0);
  }

  set(changes: Partial<WebhookSwitches>): void {
    const wasPaused = this.switches.paused;
    Object.assign(this.switches, changes);
    if (wasPaused && !this.switches.paused) this.resume();
  }

  /** Everything that waits (paused, delayed, between retries) is tried now; resolves when it has been. */
  async flush(): Promise<{ tried: number; delivered: number }> {
    const ids = this.waiting().map(({ id }) => id);
    for (const id of ids) this.forget(id);
    clearTimeout(this.gathering);
    this.gathering = undefined;
    this.gathered = [];
    this.run(this.switches.shuffle ? reordered(ids) : ids);
    await Promise.all(this.lanes.values());
    const delivered = ids.filter((id) => this.store.get('deliveries', id)?.state === 'delivered').length;
    return { tried: ids.length, delivered };
  }

  /** Time was moved ahead by `ms`: what waits between retries waits that much less. */
  hurry(ms: number): void {
    for (const [id, { dueAt }] of [...this.timers]) this.schedule(id, Math.max(0, dueAt - Date.now() - ms));
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.gathering);
    for (const id of [...this.timers.keys()]) this.forget(id);
    await this.agent.destroy();
    await Promise.all(this.lanes.values());
  }

  private enqueue(event: Stripe.Event, endpoint: Stripe.WebhookEndpoint, anyway: boolean): void {
    const lost = !anyway && this.switches.drop.some((type) => type === '*' || type === event.type);
    const { id } = this.store.put('deliveries', {
      id: newId('del'),
      event: event.id,
      type: event.type,
      endpoint: endpoint.id,
      url: endpoint.url,
      state: lost ? 'dropped' : 'waiting',
      attempts: 0,
      last_status: null,
      last_error: null,
      last_attempt_at: null,
    });
    this.trim();
    if (lost) return;
    if (!this.switches.shuffle) {
      this.schedule(id, this.switches.delayMs);
      return;
    }
    this.gathered.push(id);
    this.gathering ??= setTimeout(() => {
      this.gathering = undefined;
      const batch = reordered(this.gathered);
      this.gathered = [];
      if (!this.switches.paused) this.run(batch);
    }, SHUFFLE_WINDOW_MS + this.switches.delayMs).unref();
  }

  private schedule(id: string, delayMs: number): void {
    if (this.stopped) return;
    this.forget(id);
    const timer = setTimeout(() => {
      this.timers.delete(id);
      if (!this.switches.paused) this.run([id]);
    }, delayMs);
    this.timers.set(id, { timer: timer.unref(), dueAt: Date.now() + delayMs });
  }

  /** Queues attempts, each endpoint's one after another. */
  private run(ids: string[]): void {
    for (const id of ids) {
      const delivery = this.store.get('deliveries', id);
      if (delivery === undefined || this.busy.has(id)) continue;
      this.busy.add(id);
      const lane = this.lanes.get(delivery.endpoint) ?? Promise.resolve();
      this.lanes.set(
        delivery.endpoint,
        lane.then(() => this.attempt(delivery)).finally(() => this.busy.delete(id)),
      );
    }
  }

  private async attempt(delivery: Delivery): Promise<void> {
    const event = this.store.get('events', delivery.event);
    const endpoint = this.store.get('webhook_endpoints', delivery.endpoint);
    if (this.stopped || delivery.state !== 'waiting') return;
    if (event === undefined || endpoint?.status !== 'enabled') {
      delivery.state = 'given_up';
      delivery.last_error = 'the endpoint is gone or disabled';
      this.store.put('deliveries', delivery);
      return;
    }
    delivery.url = endpoint.url;
    const answer = await postWebhook(
      this.agent,
      endpoint.url,
      secretsOf(this.store, endpoint),
      JSON.stringify(event, null, 2),
    );
    if (this.stopped) return;
    delivery.attempts += 1;
    delivery.last_attempt_at = new Date().toISOString();
    delivery.last_status = answer.status;
    delivery.last_error = answer.error;
    const wait = RETRY_MS[delivery.attempts - 1];
    if (answer.status !== null && answer.status >= 200 && answer.status < 300) delivery.state = 'delivered';
    else if (wait === undefined) delivery.state = 'given_up';
    else this.schedule(delivery.id, wait);
    this.log(
      `webhook ${event.type} → ${endpoint.url}: ${answer.status ?? answer.error} (attempt ${delivery.attempts})`,
    );
    this.store.put('deliveries', delivery);
    const open = this.waiting().filter(({ event: id }) => id === event.id);
    event.pending_webhooks = new Set(open.map(({ endpoint: id }) => id)).size;
    this.store.put('events', event);
  }

  private waiting(): Delivery[] {
    return this.store.all('deliveries').filter(({ state }) => state === 'waiting');
  }

  private forget(id: string): void {
    clearTimeout(this.timers.get(id)?.timer);
    this.timers.delete(id);
  }

  private trim(): void {
    const done = this.store.all('deliveries').filter(({ state }) => state !== 'waiting');
    for (const { id } of done.slice(0, Math.max(0, done.length - KEPT_DELIVERIES))) this.store.remove('deliveries', id);
  }
}
