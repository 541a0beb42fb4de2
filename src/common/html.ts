/** Markup that is safe to put on a page: only the `html` tag makes it. */
export class Html {
  private constructor(readonly text: string) {}

  /** The one way to markup. Used by the `html` tag; text that a person wrote never goes in here unescaped. */
  static of(strings: TemplateStringsArray, values: readonly HtmlValue[]): Html {
    return new Html(
      strings.reduce((page, text, index) => `${page}${index === 0 ? '' : render(values[index - 1])}${text}`, ''),
    );
  }
}

export type HtmlValue = string | Html | readonly Html[] | undefined;

/** A template that escapes every value, for text and for quoted attributes. Nothing is trusted by its origin. */
export const html = (strings: TemplateStringsArray, ...values: readonly HtmlValue[]): Html => Html.of(strings, values);

function render(value: HtmlValue): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'string') return escape(value);
  return value.map((part) => part.text).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
