import { stringify } from 'csv-stringify/sync';

/**
 * Rows as RFC 4180: CRLF, a quote doubled, quoted where a comma, a quote or a line break would be misread. The
 * delimiter is CRLF, and so a lone CR or LF in a text would otherwise stay unquoted, and break a lenient reader.
 */
export const encodeCsv = (rows: readonly (readonly string[])[]): string =>
  stringify(rows as string[][], { record_delimiter: 'windows', quoted_match: /[\r\n]/ });

/**
 * A text that no spreadsheet takes for a formula: behind an apostrophe when it begins like one (OWASP, CSV
 * injection), also in the full-width forms that Excel accepts. Not for numbers: `-1` must stay a number.
 */
export const neutralise = (text: string): string =>
  /^[=+\-@\t\r\n\uFF1D\uFF0B\uFF0D\uFF20]/.test(text) ? `'${text}` : text;
