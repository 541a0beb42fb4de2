import { createHash } from 'node:crypto';
import { type Html, html } from './html';
import { STYLE } from './page-style';

/** A page for people, made to be printed on A4. No scripts, nothing fetched. */
export function renderPage(title: string, main: Html): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${STYLE_ELEMENT}
      </head>
      <body>
        <main>${main}</main>
      </body>
    </html> `;
  return page.text;
}

// The policy's hash is over exactly what is between the tags.
// prettier-ignore
const STYLE_ELEMENT = html`<style>${STYLE}</style>`;

/** Nothing runs, nothing is fetched, and the page's address, which may be the key to it, is passed on to nobody. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE.text).digest('base64')}'; ` +
    `base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex, nofollow',
};

/** An instant as people read it: to the second, in UTC. */
export const timeOf = (date: Date): string => `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
