import { html } from '../../common/html';
import { pageHeaders, renderDocument } from '../../common/page';
import { STYLE } from './billing-style';

/** What goes with each page of this folder: it is of one moment, and for nobody else. */
export const BILLING_HEADERS: Readonly<Record<string, string>> = {
  ...pageHeaders(STYLE, 'forms'),
  'cache-control': 'private, no-store',
  'content-type': 'text/html; charset=utf-8',
};

/** A page with one thing to say, and where to go from there. */
export function noticePage(title: string, sentences: readonly string[], next?: PageLinkTo): string {
  const go = next && html`<p><a class="button main" href="${next.href}">${next.words}</a></p>`;
  const body = html`<section>
    <p class="brand">Tollbridge</p>
    <h1>${title}</h1>
    ${sentences.map((sentence) => html`<p>${sentence}</p>`)} ${go}
  </section>`;
  return renderDocument(title, STYLE, body, next?.byItself ? next.href : undefined);
}

export interface PageLinkTo {
  readonly href: string;
  readonly words: string;
  readonly byItself?: boolean;
}
