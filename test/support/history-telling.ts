import { startStripeSimulator, type StripeSimulator } from '../../src/local/stripe/stripe-simulator';
import { Crashes } from './history-crashes';
import { EventSweep } from '../../src/topups/stripe-books/event-sweep.service';
import { booksOf, type HistoryBooks, houseNow, type StripeBooks, stripeOf } from './history-books';
import { type History, type Segment, storiesOf, type Trouble } from './history';
import { HistoryLife } from './history-life';
import { type Json } from './card-world';
import { type PaybackWorld, startPaybackWorld } from './payback-world';
import { asOwner } from './owner';
import { eventually } from './program';

/** How a telling of a history ends, and what could happen in it. */
type HistoryEnd = HistoryBooks & StripeBooks & { readonly log: readonly string[] };

/** Where histories are lived, one after another: each at a Stripe of its own, with customers of its own. */
export class HistoryWorld {
  private simulator: StripeSimulator;
  /** Events that were seen, the oldest first. */
  private events: Json[] = [];

  private constructor(
    readonly world: PaybackWorld,
    private readonly crashes: Crashes,
    private readonly tax: boolean,
  ) {
    this.simulator = world.simulator;
  }

  static async start({ tax }: { tax: boolean }): Promise<HistoryWorld> {
    const world = await startPaybackWorld({
      TOPUP_TIERS: '50:5,100:20',
      TOPUP_CURRENCIES: 'usd,eur:1.08',
      STRIPE_TAX: String(tax),
    });
    return new HistoryWorld(world, new Crashes(world.database), tax);
  }

  async stop(): Promise<void> {
    await this.world.stop();
    await this.simulator.stop();
  }

  /** Everything is told as soon as it happens, once. */
  inOrder(history: History): Promise<HistoryEnd> {
    return this.live(history, async (life, segment) => {
      for await (const _ of life.happen(segment, storiesOf(history, segment))) await this.told();
    });
  }

  /** A segment has happened when its events begin to arrive: late, often, never, in any order, and not undisturbed. */
  troubled(history: History): Promise<HistoryEnd> {
    return this.live(history, async (life, segment) => {
      const { trouble } = segment;
      for await (const _ of life.happen(segment, storiesOf(history, segment)));
      this.crashes.arm(trouble.crashes);
      if (trouble.stripe) await this.world.press('faults', { ...trouble.stripe, times: 2 });
      const old = this.events.slice();
      await this.settle((events) => this.deliverTroubled(events, trouble));
      this.crashes.disarm();
      await this.world.press('faults/clear');
      await this.told();
      // What was never delivered is in the list of events.
      await this.world.app.app.get(EventSweep, { strict: false }).sweep();
      await this.deliverEach(echoesOf(old, trouble));
      await this.told();
    });
  }

  private async live(
    history: History,
    tell: (life: HistoryLife, segment: Segment) => Promise<void>,
  ): Promise<HistoryEnd> {
    await this.newStripe();
    const before = await houseNow(this.world);
    const life = new HistoryLife(this.world);
    await life.begin(history);
    await this.told();
    for (const segment of history.segments) {
      for (const action of segment.rest) {
        await life.act(action);
        await this.told();
      }
      await tell(life, segment);
      await this.world.wake();
      await this.told();
    }
    await life.end();
    await this.told();
    const books = await booksOf(this.world, life.customerIds, before);
    return { ...books, ...(await stripeOf(this.world)), log: life.log };
  }

  /** Everything is told, as it happened. */
  private told(): Promise<void> {
    return this.settle((events) => this.deliverEach(events));
  }

  /** Tells by `deliver` what has happened, and does what follows from it, until nothing is left. */
  private async settle(deliver: (events: readonly Json[]) => Promise<void>): Promise<void> {
    for (;;) {
      await this.idle();
      const fresh = await this.newEvents();
      if (fresh.length === 0) return;
      await deliver(fresh);
    }
  }

  private async newEvents(): Promise<Json[]> {
    const last = this.events.at(-1)?.id;
    const fresh: Json[] = await this.world.stripe.events
      .list({ limit: 100, ...(last === undefined ? {} : { ending_before: last }) })
      .autoPagingToArray({ limit: 10_000 });
    fresh.reverse();
    this.events.push(...fresh);
    return fresh;
  }

  private async deliverEach(events: readonly Json[]): Promise<void> {
    for (const event of events) await this.deliver(event);
  }

  private async deliverTroubled(events: readonly Json[], trouble: Trouble): Promise<void> {
    const keyOf = (place: number) => trouble.order[place % trouble.order.length] ?? 0;
    const timesOf = (place: number) => trouble.copies[place % trouble.copies.length] ?? 1;
    const copies = events.flatMap((event, place) =>
      Array.from({ length: timesOf(place) }, (_, copy) => ({ event, key: keyOf(place + copy * 7) })),
    );
    const queue = copies.toSorted((a, b) => a.key - b.key).map(({ event }) => event);
    while (queue.length > 0) {
      const batch = queue.splice(0, trouble.together);
      await Promise.all(batch.map((event) => this.deliver(event)));
    }
  }

  /** Until it is taken, as Stripe does. */
  private async deliver(event: Json): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const { status, body } = await this.world.deliver(JSON.stringify(event));
      if (status === 200) return;
      if (attempt === 20) throw new Error(`${event.type} is not taken: ${status} ${JSON.stringify(body)}`);
    }
  }

  /** What is to be tried again later is tried now. */
  private async idle(): Promise<void> {
    await eventually('The end of all jobs', async () => {
      await this.world.database.query(
        `UPDATE jobs SET run_at = now() WHERE finished_at IS NULL AND state = 'waiting' AND attempts > 0 AND run_at > now()`,
      );
      const [left] = await this.world.database.query<{ count: bigint }>(
        `SELECT count(*), pg_notify('tollbridge_jobs', '') FROM jobs
          WHERE finished_at IS NULL AND (state <> 'waiting' OR run_at <= now())`,
      );
      return left?.count === 0n ? true : undefined;
    });
  }

  private async newStripe(): Promise<void> {
    const { port, secretKey, webhookSecret } = this.simulator;
    // Nothing of the life before is asked for at the new Stripe.
    await asOwner(
      this.world.app,
      'UPDATE auto_reload_rules SET enabled = false WHERE enabled',
      'DELETE FROM event_sweeps',
      'DELETE FROM payouts',
    );
    await this.simulator.stop();
    this.simulator = await startStripeSimulator({ port, secretKey, webhook: { secret: webhookSecret } });
    this.events = [];
    const settings = { settlementCurrencies: ['usd'], rates: { eur: '1.10' } };
    // Connections to the one before are closed, and whoever kept them finds that out by using them.
    await eventually('A new Stripe', () => this.world.press('account', settings).catch(() => undefined));
    if (!this.tax) return;
    await this.world.stripe.tax.registrations.create({
      country: 'DE',
      active_from: 'now',
      country_options: { de: { type: 'standard' } },
    });
  }
}

/** Old events again, as if they were new. */
const echoesOf = (old: readonly Json[], { echoes }: Trouble): Json[] =>
  old.length === 0 ? [] : echoes.map((which, n) => ({ ...old[which % old.length], id: `evt_echo_${Date.now()}_${n}` }));
