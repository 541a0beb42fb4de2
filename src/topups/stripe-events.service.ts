import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../database/database.service';
import type { Tx } from '../database/tx';
import { idOf, type StripeEvent } from './stripe-event';

/** What is left to be written, in the event's own transaction. Answers what it did, in snake_case: kept with the event. */
export type StripeEffect = (tx: Tx) => Promise<string>;

/**
 * Who is concerned by events of some types. An event is a hint: take the id of its object, fetch the object's present
 * state, and bring our rows to that under their lock, idempotently and never backwards. Events arrive many times, in
 * any order, and late; the amounts in them are history.
 */
export interface StripeEventHandler {
  readonly types: readonly string[];
  /**
   * Asks whatever has to be asked, before the transaction; `undefined` when the event is no concern of ours.
   * What it throws makes Stripe deliver the event again.
   */
  read(event: StripeEvent): Promise<StripeEffect | undefined>;
}

/**
 * Makes each event effective exactly once, whether a webhook or a sweep brings it. Its id is written in the same
 * transaction as what it does: "seen" is "done", and whatever dies in between leaves neither, so that the next
 * delivery does it.
 */
@Injectable()
export class StripeEvents {
  private readonly handlers: StripeEventHandler[] = [];

  constructor(private readonly database: DatabaseService) {}

  /** Called in `onModuleInit`. Several handlers of one type act in this order, in one transaction. */
  handle(handler: StripeEventHandler): void {
    this.handlers.push(handler);
  }

  /** Whether anybody handles events of this type. */
  concerns(type: string): boolean {
    return this.handlers.some(({ types }) => types.includes(type));
  }

  /**
   * Returns after the commit: what the event did (of several handlers, with a comma between), or `ignored`, or
   * `duplicate`. Whatever it throws makes Stripe deliver the event again.
   */
  async receive(event: StripeEvent): Promise<string> {
    const concerned = this.handlers.filter(({ types }) => types.includes(event.type));
    if (concerned.length === 0) return 'ignored';
    if (await this.isDone(event)) return 'duplicate';
    // Everything slow comes before the transaction: Stripe is never asked while rows are locked.
    const effects: StripeEffect[] = [];
    for (const handler of concerned) {
      const effect = await handler.read(event);
      if (effect) effects.push(effect);
    }
    if (effects.length === 0) return 'ignored';
    return this.database.transaction(async (tx) => {
      // A copy that arrives at the same moment waits here until the first one has committed or is gone.
      const fresh = await tx.query(
        `INSERT INTO stripe_events (id, type, object_id, effect, created_at) VALUES ($1, $2, $3, 'unfinished', $4)
         ON CONFLICT DO NOTHING RETURNING 1`,
        [event.id, event.type, idOf(event.object) ?? null, event.created],
      );
      if (fresh.length === 0) return 'duplicate';
      const done: string[] = [];
      for (const effect of effects) done.push(await effect(tx));
      await tx.query('UPDATE stripe_events SET effect = $2 WHERE id = $1', [event.id, done.join(',')]);
      return done.join(',');
    });
  }

  private async isDone({ id }: StripeEvent): Promise<boolean> {
    return (await this.database.query('SELECT FROM stripe_events WHERE id = $1', [id])).length > 0;
  }
}
