/** A decoded form: what was between the brackets is the key, in the order it was sent. */
export type FormHash = Map<string, FormValue>;
export type FormValue = string | FormHash;

/** Deeper keys are taken literally: Stripe's own parameters nest five deep at most. */
const DEPTH_LIMIT = 12;

/**
 * Decodes the form dialect Stripe's API speaks: `line_items[0][price_data][currency]=usd`, `expand[]=customer`.
 *
 * Lists stay hashes with numeric keys, because `metadata[0]` and `line_items[0]` look the same on the wire and only
 * the parameter's own type can tell them apart. Hashes are `Map`s, so a key such as `__proto__` is only a key.
 * Never throws: broken percent escapes and unbalanced brackets are taken literally, a later value replaces an
 * earlier one.
 */
export function parseBracketForm(body: string): FormHash {
  const root: FormHash = new Map();
  for (const pair of body.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const key = decode(equals < 0 ? pair : pair.slice(0, equals));
    place(root, splitKey(key), equals < 0 ? '' : decode(pair.slice(equals + 1)));
  }
  return root;
}

/** `a[b][][c]` → `a`, `b`, ``, `c`; anything unbalanced is one literal key. */
export function splitKey(key: string): string[] {
  const open = key.indexOf('[');
  if (open <= 0 || !key.endsWith(']')) return [key];
  const parts = key.slice(open + 1, -1).split('][');
  if (parts.length >= DEPTH_LIMIT || parts.some((part) => /[[\]]/.test(part))) return [key];
  return [key.slice(0, open), ...parts];
}

function place(root: FormHash, path: string[], value: string): void {
  let hash = root;
  for (const part of path.slice(0, -1)) {
    const name = part === '' ? nextIndex(hash) : part;
    const child = hash.get(name);
    if (child instanceof Map) {
      hash = child;
    } else {
      const created: FormHash = new Map();
      hash.set(name, created);
      hash = created;
    }
  }
  const last = path[path.length - 1] ?? '';
  hash.set(last === '' && path.length > 1 ? nextIndex(hash) : last, value);
}

function nextIndex(hash: FormHash): string {
  let index = hash.size;
  while (hash.has(String(index))) index += 1;
  return String(index);
}

function decode(text: string): string {
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
