import { createHash } from 'node:crypto';
import { MOST_LEVELS } from './depth';

/**
 * JSON in the one form that RFC 8785 (JCS) allows: members sorted by UTF-16 code units, no white space, numbers and
 * strings as ECMAScript writes them. Members that are `undefined` are left out.
 * @throws RangeError when it is nested deeper than anybody means.
 */
export function canonicalJson(value: unknown, levels = MOST_LEVELS): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (levels === 0) throw new RangeError(`It is nested more than ${MOST_LEVELS} levels deep.`);
  if (Array.isArray(value)) return `[${value.map((part) => canonicalJson(part, levels - 1)).join(',')}]`;
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member, levels - 1)}`);
  return `{${members.join(',')}}`;
}

/** SHA-256 over the canonical form, in hex. @throws RangeError as `canonicalJson`. */
export const canonicalHash = (value: unknown): string =>
  createHash('sha256').update(canonicalJson(value)).digest('hex');
