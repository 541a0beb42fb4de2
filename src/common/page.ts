import { createHash } from 'node:crypto';
import { type Html, html } from './html';
import { STYLE } from './page-style';

/** A page for people, made to be printed on A4. No scripts, nothing fetched. */
export const renderPage = (title: string, main: Html): string => renderDocument(title, STYLE, main);

/** A whole document whose only style is `style`. `refresh`: when the browser loads which page by itself, as HTML says it. */
export function renderDocument(title: string, style: Html, main: Html, refresh?: string): string {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        ${refresh === undefined ? undefined : html`<meta http-equiv="refresh" content="${refresh}" />`}
        <title>${title}</title>
        ${styleElement(style)}
      </head>
      <body>
        <main>${main}</main>
      </body>
    </html> `;
  return page.text;
}

// The policy's hash is over exactly what is between the tags.
// prettier-ignore
const styleElement = (style: Html): Html => html`<style>${style}</style>`;

/**
 * The headers of a page with this style. Nothing runs, nothing is fetched, and the page's address, which may be the key
 * to it, is passed on to nobody. With `forms` its forms can be sent to this server, and nowhere else.
 */
export const pageHeaders = (style: Html, forms: 'forms' | 'no forms'): Readonly<Record<string, string>> => ({
  'content-security-policy':
    `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style.text).digest('base64')}'; ` +
    `base-uri 'none'; form-action ${forms === 'forms' ? `'self'` : `'none'`}; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex, nofollow',
});

export const PAGE_HEADERS = pageHeaders(STYLE, 'no forms');

/** An instant as people read it: to the second, in UTC. */
export const timeOf = (date: Date): string => `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
