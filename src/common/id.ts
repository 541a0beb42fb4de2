import { randomBytes } from 'node:crypto';
import { uuidv7 } from 'uuidv7';

/** A sortable id for rows and requests (RFC 9562 UUIDv7). Not a secret: use `secretId` for that. */
export const newId = (): string => uuidv7();

/** The instant inside a UUIDv7, so that a row can be found in its monthly partition by its id alone. */
export function instantOf(id: string): Date {
  return new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}

/** An id that cannot be guessed: 160 random bits in base64url behind a prefix that names its kind. */
export const secretId = (prefix: string): string => `${prefix}_${randomBytes(20).toString('base64url')}`;

/** A readable sortable id such as `cus_0192…`. */
export const prefixedId = (prefix: string): string => `${prefix}_${uuidv7().replaceAll('-', '')}`;
