import fc from 'fast-check';
import { countChat, countPrompt, countText } from '../../src/metering/tokenizer';
import { METERS, readUsageReport } from '../../src/metering/usage';

const count = fc.oneof(
  fc.nat(),
  fc.maxSafeNat(),
  fc.constantFrom(0, -1, 1.5, Number.NaN, Infinity, '5', null, 2 ** 53, 1e300),
  fc.jsonValue(),
);
const details = fc.oneof(
  fc.jsonValue(),
  fc.record({ cached_tokens: count, cache_write_tokens: count, reasoning_tokens: count }, { requiredKeys: [] }),
);
/** Whatever a provider may say, sane or not. */
const report = fc.oneof(
  fc.jsonValue(),
  fc.record(
    {
      prompt_tokens: count,
      completion_tokens: count,
      input_tokens: count,
      output_tokens: count,
      prompt_tokens_details: details,
      input_tokens_details: details,
      completion_tokens_details: details,
      output_tokens_details: details,
      cache_read_input_tokens: count,
      cache_creation_input_tokens: count,
    },
    { requiredKeys: [] },
  ),
);

describe('a usage report', () => {
  it('of any shape is read without an exception, into counts that are not negative', () => {
    fc.assert(
      fc.property(report, fc.constantFrom('openai' as const, 'anthropic' as const), (given, convention) => {
        const read = readUsageReport(given, convention);
        if (read === undefined) return;
        for (const [meter, value] of Object.entries(read)) {
          expect(METERS).toContain(meter);
          expect(value >= 0n && value <= 10_000_000_000n).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('splits the prompt and the completion without losing or inventing a token', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.nat(),
        fc.nat(),
        fc.nat(),
        fc.nat(),
        (prompt, completion, cached, written, reasoning) => {
          const read = readUsageReport(
            {
              prompt_tokens: prompt,
              completion_tokens: completion,
              prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
              completion_tokens_details: { reasoning_tokens: reasoning },
            },
            'openai',
          );
          const { input = 0n, cached_input = 0n, cache_write = 0n, output = 0n, reasoning: thought = 0n } = read ?? {};
          expect(input + cached_input + cache_write).toBe(BigInt(prompt));
          expect(output + thought).toBe(BigInt(completion));
        },
      ),
    );
  });

  it('keeps a zero a zero, and what is unknown unknown', () => {
    expect(readUsageReport({ prompt_tokens: 0, completion_tokens: 0 }, 'openai')).toEqual({ input: 0n, output: 0n });
    expect(readUsageReport({ prompt_tokens: 7 }, 'openai')).toEqual({ input: 7n });
    for (const nothing of [null, undefined, {}, [], { total_tokens: 9 }, { prompt_tokens: '9' }]) {
      expect(readUsageReport(nothing, 'openai')).toBeUndefined();
    }
  });
});

describe('the count before a call', () => {
  const encoding = fc.constantFrom('o200k_base' as const, 'cl100k_base' as const);

  it('never throws and is never below zero, whatever is sent', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), encoding, (value, given) => {
        expect(countPrompt(value, given)).toBeGreaterThanOrEqual(0);
        const body = { messages: value, tools: value, response_format: value };
        expect(countChat(body, given)).toBeGreaterThanOrEqual(3);
        expect(countChat({ messages: [{ role: value, content: value, name: value }] }, given)).toBeGreaterThanOrEqual(
          6,
        );
      }),
    );
  });

  it('is at most the bytes of the text, and at least nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), encoding, (text, given) => {
        const tokens = countText(text, given);
        // Breaking up a long word adds a mark.
        expect(tokens).toBeLessThanOrEqual(Buffer.byteLength(text) + Math.ceil(text.length / 64));
        expect(tokens > 0 || text === '').toBe(true);
      }),
    );
  });

  it('is the same for the same text, and an upper bound that stays near where it is not exact', () => {
    const prose = 'Nobody knows before the call how much of it is cached. '.repeat(2000);
    const [whole, part] = [countText(prose, 'o200k_base'), countText(prose.slice(0, 5500), 'o200k_base')];
    expect(countText(prose, 'o200k_base')).toBe(whole);
    expect(whole).toBeGreaterThanOrEqual(part * 20 - 40);
    expect(whole).toBeLessThan(part * 20.5);
  });

  it('takes special tokens for the text that they are', () => {
    expect(countText('<|endoftext|>', 'cl100k_base')).toBeGreaterThan(1);
  });
});
