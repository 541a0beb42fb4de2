import { html } from '../common/html';
import { pageHeaders, renderDocument } from '../common/page';
import { STYLE } from './people-page-style';

/** What goes with each page for people: it is of one moment, and for nobody else. */
export const FRAME_HEADERS: Readonly<Record<string, string>> = {
  ...pageHeaders(STYLE, 'forms'),
  'cache-control': 'private, no-store',
  'content-type': 'text/html; charset=utf-8',
};

/** A page with one thing to say. */
export interface Notice {
  readonly title: string;
  readonly sentences: readonly string[];
  /** Where to go from there; `byItself`: the browser does not wait for somebody to ask. */
  readonly next?: { readonly href: string; readonly words: string; readonly byItself?: boolean } | undefined;
  /** Seconds after which the page asks again. */
  readonly refresh?: number | undefined;
}

export function noticePage({ title, sentences, next, refresh }: Notice): string {
  const go = next && html`<p><a class="button main" href="${next.href}">${next.words}</a></p>`;
  const body = html`<section>
    <p class="brand">Tollbridge</p>
    <h1>${title}</h1>
    ${sentences.map((sentence) => html`<p>${sentence}</p>`)} ${go}
  </section>`;
  return renderDocument(title, STYLE, body, next?.byItself ? `0; url=${next.href}` : refresh?.toString());
}
