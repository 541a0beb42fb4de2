import { InvalidRequestError } from '../common/billing-error';

const READABLE = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Where a page ended: the call of its last invoice. Opaque for the caller, so that its content may change. */
export const encodeCursor = (callId: string): string => Buffer.from(callId).toString('base64url');

/** @throws InvalidRequestError `invalid_cursor` */
export function decodeCursor(text: string): string {
  const callId = Buffer.from(text, 'base64url').toString('utf8');
  if (READABLE.test(callId)) return callId;
  throw new InvalidRequestError({
    code: 'invalid_cursor',
    detail: 'The cursor in "after" was not made by this list.',
    hint: 'Send "next" of the page before, unchanged.',
  });
}
