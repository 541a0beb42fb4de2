import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service';
import { JobsService } from '../../jobs/jobs.service';
import type { StripeEvent } from '../stripe-event';
import { StripeEvents } from '../stripe-events.service';
import { FailedEvents } from './failed-events.service';
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
 * webhooks bring. An event that cannot be worked off keeps the others from nothing, and is tried again by its id.
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
    private readonly failed: FailedEvents,
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
    const again = await this.failedBefore();
    const done = await this.receive([...again, ...missed.toReversed()]);
    if (newest) await this.remember(newest);
    if (done > 0) this.logger.log(`${done} events had come by no webhook yet.`);
    return { events, missed: done };
  }

  /** What is no longer at Stripe after 30 days is told of once more, and given up. */
  private async failedBefore(): Promise<StripeEvent[]> {
    const events: StripeEvent[] = [];
    for (const id of await this.failed.due()) {
      const event = await this.client.event(id);
      if (event) events.push(event);
      else {
        this.logger.error(`ALERT ${id} was never worked off, and Stripe has it no more.`);
        await this.failed.remove(id);
      }
    }
    return events;
  }

  /** @returns how many did something */
  private async receive(missed: readonly StripeEvent[]): Promise<number> {
    let done = 0;
    for (const event of missed) {
      try {
        const effect = await this.events.receive(event);
        if (effect === 'ignored') this.ignore(event);
        else if (effect !== 'duplicate') done += 1;
        await this.failed.remove(event.id);
      } catch (error) {
        if (isStripeAway(error)) throw error;
        this.logger.error(`ALERT ${event.type} ${event.id} cannot be worked off: ${String(error)}`);
        await this.failed.add(event, error);
      }
    }
    return done;
  }

  private ignore({ id }: StripeEvent): void {
    if (this.unconcerned.size >= MOST_REMEMBERED) this.unconcerned.clear();
    this.unconcerned.add(id);
  }

  private async unseen(events: readonly StripeEvent[]): Promise<StripeEvent[]> {
    const ids = events.map(({ id }) => id);
    const seen = await this.database.query<{ id: string }>(
      `SELECT id FROM stripe_events WHERE id = ANY ($1)
       UNION ALL SELECT id FROM stripe_event_failures WHERE id = ANY ($1)`,
      [ids],
    );
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
