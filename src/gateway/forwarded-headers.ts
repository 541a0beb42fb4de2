import type { RequestHeaders } from '../payments/payment-scheme';

/** Hop-by-hop headers (RFC 9110, section 7.6.1; `connection` names further ones), and those that the gateway sets itself. */
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
/** Who the caller is and where it comes from, also as other model servers spell it: the operator's key pays there. */
const NOT_TO_UPSTREAM = new Set([
  'authorization',
  'x-api-key',
  'api-key',
  'openai-organization',
  'openai-project',
  'cookie',
  'accept-encoding',
  'forwarded',
  'via',
  'x-real-ip',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
]);
/** What is said about the operator's account there, or by a server about itself. */
const NOT_TO_CALLER = new Set([
  'set-cookie',
  'set-cookie2',
  'clear-site-data',
  'strict-transport-security',
  'alt-svc',
  'openai-organization',
  'openai-project',
  'x-request-id',
  'date',
  'server',
  'via',
  'content-encoding',
]);

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
  const hop = new Set(
    [headers['connection'] ?? []]
      .flat()
      .join(',')
      .toLowerCase()
      .split(/\s*,\s*/),
  );
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || NEVER.has(name) || hop.has(name) || without.has(name) || STRIPPED.test(name)) continue;
    kept[name] = value;
  }
  return kept;
}
