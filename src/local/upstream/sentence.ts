/**
 * The words of an answer: a readable text made from a seed alone, in pieces of exactly one token each.
 *
 * Every word below, with its leading space, is one token in both o200k_base and cl100k_base (the spec proves it), so a
 * text of n pieces is n tokens by construction, may be cut anywhere, and streams one token a chunk. The dash and the
 * places are there for their two- and three-byte characters: a stream cut inside them must survive the gateway.
 */
const FIRST = words('The Every Another Each This That Some One');
const ADJECTIVE = spaced(
  'quiet small old green bright patient honest clever narrow warm cold slow gentle silver modest careful broken hidden',
);
const NOUN = spaced(
  'river bridge market captain engine garden teacher letter window mountain clock ship train doctor singer keeper',
);
const VERB = spaced(
  'carries follows crosses keeps finds opens watches remembers counts serves holds brings meets knows leaves reads',
);
const DETERMINER = spaced('the a its every another');
const PREPOSITION = spaced('near in beyond behind outside toward from');
const PLACE = spaced('España München México Québec');
const ADVERB = spaced('slowly again together quietly alone forever today twice gladly early later always once');

const SENTENCE = [
  spaced('The Every Another Each This That Some One'),
  ADJECTIVE,
  NOUN,
  VERB,
  DETERMINER,
  ADJECTIVE,
  NOUN,
  PREPOSITION,
  PLACE,
  [' —'],
  ADVERB,
  ['.'],
];

/** One token of text each, in order; the whole text is their concatenation. */
export type Pieces = readonly string[];

/** Tokens of the answer when the request says nothing of its length: two to four whole sentences. */
export function naturalLength(seed: number): number {
  return SENTENCE.length * (2 + ((seed >>> 3) % 3));
}

/** `length` pieces for a seed; a shorter text is a prefix of a longer one of the same seed. */
export function writePieces(seed: number, length: number): Pieces {
  const pieces: string[] = Array.from({ length });
  const next = randomFrom(seed);
  for (let at = 0; at < length; at++) {
    const choices = at === 0 ? FIRST : (SENTENCE[at % SENTENCE.length] ?? FIRST);
    pieces[at] = choices[next() % choices.length] ?? '.';
  }
  return pieces;
}

/** Every piece an answer may hold, for the spec that counts their tokens. */
export function everyPiece(): string[] {
  return [...FIRST, ...SENTENCE.flat()];
}

/** FNV-1a over UTF-16 units; pass the previous hash to go on hashing. Same text, same answer, on every machine. */
export function hashText(text: string, hash = 0x811c9dc5): number {
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** Uniform unsigned 32-bit numbers (xorshift32) for a seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0 || 0x9e3779b9;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}

function words(text: string): string[] {
  return text.split(' ');
}

function spaced(text: string): string[] {
  return words(text).map((word) => ` ${word}`);
}
