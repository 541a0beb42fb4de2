/** Array literals of PostgreSQL (8.15.2): `{1,NULL,"text"}`. */
export const arrayOf = (cells: readonly unknown[]): string => `{${cells.join(',')}}`;

/** A text element: quoted, so that nothing in it has a meaning. */
export const quoted = (text: string | null): string =>
  text === null ? 'NULL' : `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
