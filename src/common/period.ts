import { InvalidRequestError } from './billing-error';

/** A stretch of time in UTC: `from` is inside, `to` is not, so that neighbours share no instant and leave no gap. */
export interface Period {
  readonly from: Date;
  readonly to: Date;
}

/**
 * Reads a period; what is left out is the current month in UTC.
 * @throws InvalidRequestError `invalid_instant` or `empty_period`.
 */
export function parsePeriod(given: { from?: string | undefined; to?: string | undefined }, now: Date): Period {
  const monthStart = (ahead: number) => new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead, 1));
  const from = given.from === undefined ? monthStart(0) : parseInstant(given.from, 'from');
  const to = given.to === undefined ? monthStart(1) : parseInstant(given.to, 'to');
  if (from >= to) {
    throw new InvalidRequestError({
      code: 'empty_period',
      detail: `The period from ${from.toISOString()} to ${to.toISOString()} is empty.`,
      hint: '"from" is inclusive, "to" is exclusive and must be later.',
    });
  }
  return { from, to };
}

const INSTANT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,3})?)?Z)?$/;

/**
 * An instant in ISO 8601 and UTC: a day (its first millisecond) or a time with `Z`. Local times are refused, because
 * a month would begin at another moment for each reader.
 * @throws InvalidRequestError `invalid_instant` that names the field.
 */
export function parseInstant(text: string, field: string): Date {
  const instant = new Date(text);
  // JavaScript turns February 30 into March 2.
  const exists = INSTANT.test(text) && instant.getTime() >= 0 && instant.toISOString().startsWith(text.slice(0, 10));
  if (exists) return instant;
  throw new InvalidRequestError({
    code: 'invalid_instant',
    detail: `"${field}" must be a day or an instant in UTC.`,
    hint: 'Write 2026-11-01 or 2026-11-01T00:00:00Z.',
  });
}

/** One microsecond later, PostgreSQL's smallest step: the first instant for which `at` is in the past. */
export const justAfter = (at: Date): string => at.toISOString().replace('Z', '001Z');
