import { StripeEvents } from '../../src/topups/stripe-events.service';
import type { Json } from './card-world';
import type { Trouble } from './history';
import type { PaybackWorld } from './payback-world';

/** What Stripe has to tell, and how the application is told of it. */
export class HistoryEvents {
  /** The oldest first. */
  seen: Json[] = [];
  /** The newest that was asked for. */
  private last: string | undefined;
  private readonly stripeEvents: StripeEvents;

  constructor(private readonly world: PaybackWorld) {
    this.stripeEvents = world.app.app.get(StripeEvents, { strict: false });
  }

  /** At a new Stripe nothing has happened. */
  forget(): void {
    this.seen = [];
    this.last = undefined;
  }

  /** Only of kinds that somebody is concerned by: an endpoint subscribes to nothing else. */
  async fresh(): Promise<Json[]> {
    const fresh: Json[] = [];
    for (let after = this.last; ; after = this.last) {
      const { data, has_more: more } = await this.eventsBehind(after);
      fresh.push(...data.toReversed());
      this.last = data[0]?.id ?? after;
      if (!more) break;
    }
    const concerning = fresh.filter(({ type }) => this.stripeEvents.concerns(type));
    this.seen.push(...concerning);
    return concerning;
  }

  /** The list of events as `stripe` would ask for it, which asks so often that it is most of what a history costs. */
  private async eventsBehind(last: string | undefined): Promise<Json> {
    const { url, secretKey } = this.world.simulator;
    const behind = last === undefined ? '' : `&ending_before=${last}`;
    const answer = await fetch(`${url}/v1/events?limit=100${behind}`, {
      headers: { authorization: `Bearer ${secretKey}` },
    });
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  }

  async deliverEach(events: readonly Json[]): Promise<void> {
    for (const event of events) await this.deliver(event);
  }

  async deliverTroubled(events: readonly Json[], trouble: Trouble): Promise<void> {
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
}

/** Old events again, as if they were new. */
export const echoesOf = (old: readonly Json[], { echoes }: Trouble): Json[] =>
  old.length === 0 ? [] : echoes.map((which, n) => ({ ...old[which % old.length], id: `evt_echo_${Date.now()}_${n}` }));
