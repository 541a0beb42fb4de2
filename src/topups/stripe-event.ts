/** The envelope of a snapshot event: https://docs.stripe.com/api/events/object */
export interface StripeEvent {
  readonly id: string;
  readonly type: string;
  readonly created: Date;
  /** The object as it was when the event was made: a hint at what to ask for, not the truth. */
  readonly object: Json;
}

export type Json = Readonly<Record<string, unknown>>;

/** The event in a verified body; `undefined` for what is none, such as a thin v2 event. */
export function readStripeEvent(body: string): StripeEvent | undefined {
  const event = parsed(body);
  const object = isRecord(event?.['data']) ? event['data']['object'] : undefined;
  if (event?.['object'] !== 'event' || !isRecord(object)) return undefined;
  const { id, type, created } = event;
  if (typeof id !== 'string' || typeof type !== 'string' || !isCount(created)) return undefined;
  return { id, type, created: new Date(created * 1000), object };
}

/** The id of a reference, expanded or not. */
export function idOf(value: unknown): string | undefined {
  const id = isRecord(value) ? value['id'] : value;
  return typeof id === 'string' ? id : undefined;
}

export const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A whole number from 0. */
export const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parsed(body: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
