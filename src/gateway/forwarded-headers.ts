import type { RequestHeaders } from '../payments/payment-scheme';

/** Hop-by-hop headers (RFC 9110, section 7.6.1), and those that the gateway sets itself. */
const NEVER = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'content-length',
  'expect',
]);

/** Payment credentials and identities: a caller's never reach the upstream, and an upstream's never reach a caller. */
const STRIPPED =
  /^(payment-|x-payment|settlement-overrides$|sign-in-with-x$|proof-of-payment$|wallet-provider$|idempotency-key$)/;
const NOT_TO_UPSTREAM = new Set(['authorization', 'cookie', 'accept-encoding', 'x-forwarded-for', 'forwarded']);
const NOT_TO_CALLER = new Set(['set-cookie', 'x-request-id', 'date', 'server', 'content-encoding']);

/** What of a caller's headers goes upstream. Answers come uncompressed, so that usage can be read as it passes. */
export function toUpstream(headers: RequestHeaders, apiKey: string | undefined): Record<string, string | string[]> {
  const forwarded = keep(headers, NOT_TO_UPSTREAM);
  forwarded['accept-encoding'] = 'identity';
  if (apiKey !== undefined) forwarded['authorization'] = `Bearer ${apiKey}`;
  return forwarded;
}

/** What of an upstream's headers goes to the caller. CORS is the gateway's own. */
export function toCaller(headers: RequestHeaders): Record<string, string | string[]> {
  const forwarded = keep(headers, NOT_TO_CALLER);
  for (const name of Object.keys(forwarded)) {
    if (name.startsWith('access-control-') || name.startsWith('x-tollbridge-')) delete forwarded[name];
  }
  return forwarded;
}

function keep(headers: RequestHeaders, without: ReadonlySet<string>): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  for (const name in headers) {
    const value = headers[name];
    if (value !== undefined && !NEVER.has(name) && !without.has(name) && !STRIPPED.test(name)) kept[name] = value;
  }
  return kept;
}
