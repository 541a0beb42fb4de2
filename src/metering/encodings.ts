import type { countTokens } from 'gpt-tokenizer/encoding/o200k_base';

/** Published encodings that can be counted exactly. */
export type Encoding = 'cl100k_base' | 'o200k_base';

const loaded = new Map<Encoding, typeof countTokens>();

/** Megabytes of tables, loaded when they are first asked for: most commands and many processes count nothing. */
export function countTokensIn(encoding: Encoding): typeof countTokens {
  const known = loaded.get(encoding);
  if (known) return known;
  // oxlint-disable-next-line typescript/no-require-imports -- an `import` loads at boot, `import()` cannot be counted with now
  const tables = require(`gpt-tokenizer/encoding/${encoding}`) as { countTokens: typeof countTokens };
  loaded.set(encoding, tables.countTokens);
  return tables.countTokens;
}

/** For a server, before its first call: that one would wait for the tables. */
export function loadEncodings(): void {
  for (const encoding of ['o200k_base', 'cl100k_base'] as const) countTokensIn(encoding);
}
