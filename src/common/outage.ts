/*
 * PostgreSQL, appendix A: connection exceptions, no room (disk, memory, connections), shutting down or starting,
 * a standby that may not write yet, statements that took or waited too long, and races that were lost too often.
 * Of Node: a socket that was refused, cut or went silent.
 */
const SOCKET = 'ECONN\\w+|EPIPE|ETIMEDOUT|EHOSTUNREACH|EHOSTDOWN|ENETUNREACH|ENETDOWN|ENOTFOUND|EAI_AGAIN';
const CODES = new RegExp(`^(08\\w{3}|53\\w{3}|57P\\w{2}|57014|25006|55P03|40001|40P01|${SOCKET})$`);
const LOST = new RegExp(`^(08\\w{3}|57P0\\w|${SOCKET})$`);
/** Serialisation failure and deadlock. */
const LOST_RACE = new Set(['40001', '40P01']);
/** What `pg` says without a code. */
const MESSAGES = /Connection terminated|timeout exceeded when trying to connect|Query read timeout|not queryable/;

/** Whether the database was away, full or overwhelmed when this was thrown: nothing was wrong with what was asked. */
export function isOutage(error: unknown): boolean {
  return CODES.test(codeOf(error)) || MESSAGES.test(String(error));
}

/** Whether the connection itself is gone or silent: it answers nobody any more, and what its last statement did is not known. */
export function isConnectionLost(error: unknown): boolean {
  return LOST.test(codeOf(error)) || MESSAGES.test(String(error));
}

/** Whether PostgreSQL gave up one of several that stood in each other's way: tried alone, it gets through. */
export const isLostRace = (error: unknown): boolean => LOST_RACE.has(codeOf(error));

/** Whether what was to be written is there already (SQLSTATE 23505). */
export const isUniqueViolation = (error: unknown): boolean => codeOf(error) === '23505';

/** SQLSTATE, or the name of a system error; empty where there is none. */
export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}
