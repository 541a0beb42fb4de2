import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service';
import { JobsService } from '../../jobs/jobs.service';
import type { StripeEvent } from '../stripe-event';
import { StripeEvents } from '../stripe-events.service';
import { StripeBooksClient } from './stripe-books.client';
import { isStripeAway } from './stripe-away';

const EVERY_SECONDS = 300;
/** Stripe may list an event later than others that are younger. */
const OVERLAP_MS = 3_600_000;
const MOST_REMEMBERED = 10_000;

export interface Swept {
  /** Listed that are of a kind that somebody is concerned by. */
  readonly events: number;
  /** Which no webhook had brought, and that did something. */
  readonly missed: number;
}

/**
 * Fills the holes that lost webhooks leave: what Stripe's list of events has goes through the same registry as what
 * webhooks bring. An event that cannot be worked off keeps the others from nothing, and the next sweep begins with it.
 */
@Injectable()
export class EventSweep implements OnModuleInit {
  private readonly logger = new Logger('EventSweep');
  /** Events of the overlap that turned out to be no concern of ours: nothing is written of those. */
  private readonly unconcerned = new Set<string>();

  constructor(
    private readonly jobs: JobsService,
    private readonly database: DatabaseService,
    private readonly client: StripeBooksClient,
    private readonly events: StripeEvents,
  ) {}

  onModuleInit(): void {
    this.jobs.register({
      name: 'sweep-stripe-events',
      everySeconds: EVERY_SECONDS,
      run: async () => {
        if (this.client.isConfigured) await this.sweep();
      },
    });
  }

  /** @throws CardProcessorError when Stripe cannot be asked; what was done until then is done */
  async sweep(): Promise<Swept> {
    const until = await this.sweptUntil();
    const from = until && new Date(until.getTime() - OVERLAP_MS);
    let [newest, events] = [until, 0];
    const missed: StripeEvent[] = [];
    for await (const page of this.client.events({ from })) {
      for (const { created } of page) if (newest === undefined || created > newest) newest = created;
      const concerned = page.filter(({ type }) => this.events.concerns(type));
      events += concerned.length;
      missed.push(...(await this.unseen(concerned)));
    }
    const { done, failed } = await this.receive(missed.toReversed());
    const reached = failed ?? newest;
    if (reached) await this.remember(reached);
    if (done > 0) this.logger.log(`${done} events had come by no webhook yet.`);
    return { events, missed: done };
  }

  private async receive(missed: readonly StripeEvent[]): Promise<{ done: number; failed: Date | undefined }> {
    let [done, failed]: [number, Date | undefined] = [0, undefined];
    for (const event of missed) {
      try {
        const effect = await this.events.receive(event);
        if (effect === 'ignored') this.ignore(event);
        else if (effect !== 'duplicate') done += 1;
      } catch (error) {
        if (isStripeAway(error)) throw error;
        this.logger.error(`ALERT ${event.type} ${event.id} cannot be worked off: ${String(error)}`);
        failed ??= event.created;
      }
    }
    return { done, failed };
  }

  private ignore({ id }: StripeEvent): void {
    if (this.unconcerned.size >= MOST_REMEMBERED) this.unconcerned.clear();
    this.unconcerned.add(id);
  }

  private async unseen(events: readonly StripeEvent[]): Promise<StripeEvent[]> {
    const ids = events.map(({ id }) => id);
    const seen = await this.database.query<{ id: string }>('SELECT id FROM stripe_events WHERE id = ANY ($1)', [ids]);
    const known = new Set(seen.map(({ id }) => id));
    return events.filter(({ id }) => !known.has(id) && !this.unconcerned.has(id));
  }

  private async sweptUntil(): Promise<Date | undefined> {
    const [row] = await this.database.query<{ swept_until: Date }>(
      `SELECT swept_until FROM event_sweeps WHERE name = 'stripe'`,
    );
    return row?.swept_until;
  }

  private async remember(until: Date): Promise<void> {
    await this.database.query(
      `INSERT INTO event_sweeps (name, swept_until) VALUES ('stripe', $1)
       ON CONFLICT (name) DO UPDATE SET swept_until = excluded.swept_until`,
      [until],
    );
  }
}
