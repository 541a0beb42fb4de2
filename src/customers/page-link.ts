import { createHmac, timingSafeEqual } from 'node:crypto';

/** Opens one page, about one subject, for a while: whoever has it, has the page. */
export interface PageLink {
  /** Which page; a link to one opens no other. */
  readonly page: string;
  /** Whom the page is about, such as a customer's id. */
  readonly subject: string;
  readonly expiresAt: Date;
}

/** As long as somebody needs who was just given one; a link that is found in a history later opens nothing. */
export const LINK_SECONDS = 900;

/**
 * The link as a text for an address that only we can write: nothing is kept. At most 100 characters, which is what the
 * router takes for a part of an address.
 */
export function sealLink({ page, subject, expiresAt }: PageLink, key: string): string {
  if (!/^[\w-]{1,45}$/.test(subject)) throw new RangeError('such a subject has no place in an address');
  const body = `${subject}.${Math.floor(expiresAt.getTime() / 1000).toString(36)}`;
  return `${body}.${sealOf(page, body, key)}`;
}

/** `undefined` when it is no link of ours to this page. Whether it has expired is not asked here. */
export function readLink(token: string, page: string, key: string): PageLink | undefined {
  const [, body, subject, expires, seal] = /^(([\w-]{1,45})\.([0-9a-z]{6,8}))\.([\w-]{43})$/.exec(token) ?? [];
  if (body === undefined || subject === undefined || expires === undefined || seal === undefined) return undefined;
  if (!timingSafeEqual(Buffer.from(seal), Buffer.from(sealOf(page, body, key)))) return undefined;
  return { page, subject, expiresAt: new Date(Number.parseInt(expires, 36) * 1000) };
}

const sealOf = (page: string, body: string, key: string): string =>
  createHmac('sha256', key).update(`page-link\n${page}\n${body}`).digest('base64url');
