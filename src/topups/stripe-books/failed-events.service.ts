import { Injectable } from '@nestjs/common';
import { DatabaseService } from '../../database/database.service';
import type { StripeEvent } from '../stripe-event';

/** So many in one sweep; the others wait for the next one. */
const AT_ONCE = 100;
const MOST_CHARACTERS = 500;

/** Rows of `stripe_event_failures`: listed events that could not be worked off, tried again ever later. */
@Injectable()
export class FailedEvents {
  constructor(private readonly database: DatabaseService) {}

  /** The next try is at once, then after 5, 15, 35 … minutes, and a day at most. */
  async add({ id, type, created }: StripeEvent, error: unknown): Promise<void> {
    await this.database.query(
      `INSERT INTO stripe_event_failures AS f (id, type, created_at, error) VALUES ($1, $2, $3, $4)
       ON CONFLICT (id) DO UPDATE SET attempts = f.attempts + 1, error = excluded.error,
          next_at = now() + least(interval '1 day', interval '5 minutes' * (2 ^ least(f.attempts, 12) - 1))`,
      [id, type, created, String(error).slice(0, MOST_CHARACTERS)],
    );
  }

  /** The ids of those whose turn it is, the oldest event first; what a webhook has brought since is none of them. */
  async due(): Promise<string[]> {
    await this.database.query(
      'DELETE FROM stripe_event_failures f WHERE EXISTS (SELECT FROM stripe_events WHERE id = f.id)',
    );
    const rows = await this.database.query<{ id: string }>(
      'SELECT id FROM stripe_event_failures WHERE next_at <= now() ORDER BY created_at, id LIMIT $1',
      [AT_ONCE],
    );
    return rows.map(({ id }) => id);
  }

  async remove(id: string): Promise<void> {
    await this.database.query('DELETE FROM stripe_event_failures WHERE id = $1', [id]);
  }
}
