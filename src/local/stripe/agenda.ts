import { newId } from './ids';
import { type Store } from './store';
import { type Appointment, type Occasion } from './tables';

/** What is yet to come, in the order of time; the earlier planned first where the time is the same. */
export class Agenda {
  /** When the first is due: most of the time nothing is, and nobody needs to look. */
  private next = Number.NEGATIVE_INFINITY;

  constructor(private readonly store: Store) {}

  /** `id` names an appointment that shall exist once, however often it is planned. */
  plan(occasion: Occasion, object: string, at: number, id = newId('apt')): void {
    this.store.put('appointments', { id, at, occasion, object });
    this.next = Math.min(this.next, at);
  }

  /** Takes the first that is due at `until` off the agenda; nothing when none is. */
  take(until: number): Appointment | undefined {
    if (this.next > until) return undefined;
    let first: Appointment | undefined;
    for (const appointment of this.store.all('appointments')) {
      if (first === undefined || appointment.at < first.at) first = appointment;
    }
    this.next = first?.at ?? Number.POSITIVE_INFINITY;
    if (first === undefined || first.at > until) return undefined;
    this.store.remove('appointments', first.id);
    this.next = Number.NEGATIVE_INFINITY;
    return first;
  }
}
