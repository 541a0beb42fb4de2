import { randomBytes } from 'node:crypto';

const PREFIX = 'inv_';
const UUID_BYTES = 16;
const SECRET_BYTES = 20;

/**
 * The call's id, so that the invoice is found where its call is, and 160 random bits after it: knowing the call does not
 * open its invoice.
 */
export const newInvoiceId = (callId: string): string =>
  PREFIX +
  Buffer.concat([Buffer.from(callId.replaceAll('-', ''), 'hex'), randomBytes(SECRET_BYTES)]).toString('base64url');

/** The call that an invoice's id names; `undefined` for what is no such id. */
export function callIdIn(invoiceId: string): string | undefined {
  if (!/^inv_[\w-]{48}$/.test(invoiceId)) return undefined;
  const hex = Buffer.from(invoiceId.slice(PREFIX.length), 'base64url').subarray(0, UUID_BYTES).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
