import { InvalidRequestError } from '../common/billing-error';

/** Where a page ended: the key of its last invoice. `issuedAt` is ISO 8601 with the microseconds that a `Date` drops. */
export interface InvoiceCursor {
  readonly issuedAt: string;
  readonly id: string;
}

const READABLE = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) ([\w-]{1,100})$/;

/** Opaque for the caller, so that its content may change. */
export const encodeCursor = (cursor: InvoiceCursor): string =>
  Buffer.from(`${cursor.issuedAt} ${cursor.id}`).toString('base64url');

/** @throws InvalidRequestError `invalid_cursor` */
export function decodeCursor(text: string): InvoiceCursor {
  const [, issuedAt, id] = READABLE.exec(Buffer.from(text, 'base64url').toString('utf8')) ?? [];
  if (issuedAt === undefined || id === undefined || Number.isNaN(Date.parse(issuedAt))) {
    throw new InvalidRequestError({
      code: 'invalid_cursor',
      detail: 'The cursor in "after" was not made by this list.',
      hint: 'Send "next" of the page before, unchanged.',
    });
  }
  return { issuedAt, id };
}
