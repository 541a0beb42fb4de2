import * as cl100k from 'gpt-tokenizer/encoding/cl100k_base';
import * as o200k from 'gpt-tokenizer/encoding/o200k_base';
import * as fc from 'fast-check';
import { everyPiece, hashText, writePieces } from './sentence';
import { countText, encodingOf } from './token-count';

it('knows only words of one token', () => {
  const counts = everyPiece().flatMap((piece) => [o200k.countTokens(piece), cl100k.countTokens(piece)]);
  expect(new Set(counts)).toEqual(new Set([1]));
  for (const piece of everyPiece()) expect(JSON.stringify(piece)).toBe(`"${piece}"`);
});

it('writes texts of exactly the tokens asked, whatever the seed and wherever cut', () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 0, max: 300 }), (prompt, length) => {
      const text = writePieces(hashText(prompt), length).join('');
      expect(o200k.countTokens(text)).toBe(length);
      expect(cl100k.countTokens(text)).toBe(length);
    }),
  );
});

it('counts as the tokenizer does, and the same when it remembers', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const plain = { disallowedSpecial: new Set<string>() };
      for (let round = 0; round < 2; round++) {
        expect(countText('o200k_base', text)).toBe(o200k.countTokens(text, plain));
        expect(countText('cl100k_base', text)).toBe(cl100k.countTokens(text, plain));
      }
    }),
  );
});

it('picks the vocabulary by the name of the model', () => {
  const newer = ['gpt-4o', 'gpt-4o-mini-2024-07-18', 'openai/gpt-4.1', 'gpt-5-mini', 'o3-mini', 'gpt-image-1'];
  const older = ['gpt-4', 'gpt-4-turbo', 'gpt-3.5-turbo', 'text-embedding-3-small', 'claude-3', 'olmo', 'o200'];
  expect(newer.map((model) => encodingOf(model))).toEqual(newer.map(() => 'o200k_base'));
  expect(older.map((model) => encodingOf(model))).toEqual(older.map(() => 'cl100k_base'));
});
