import fc from 'fast-check';
import { dataOf, eventOf, SseFramer } from '../../src/gateway/sse-framer';
import { StreamReader } from '../../src/gateway/stream-reader';

const newline = fc.constantFrom('\n', '\r\n');
const field = fc.oneof(
  fc.string({ unit: 'grapheme' }).map((text) => `data: ${text.replace(/[\r\n]/g, ' ')}`),
  fc.jsonValue().map((value) => `data:${JSON.stringify(value)}`),
  fc.constantFrom(': comment', 'event: message', 'id: 1', 'data', 'retry: 5', 'data: [DONE]'),
);
/** One event with the ends of lines that some provider uses, also mixed. */
const event = fc
  .array(fc.tuple(field, newline), { minLength: 1, maxLength: 4 })
  .chain((lines) => newline.map((end) => lines.map(([text, eol]) => text + eol).join('') + end));
const stream = fc.record({
  events: fc.array(event, { maxLength: 12 }),
  tail: fc.oneof(fc.constant(''), field),
  cuts: fc.array(fc.nat(), { maxLength: 40 }),
});

function framed(bytes: Buffer, cuts: readonly number[]): { events: string[]; rest: string } {
  const framer = new SseFramer();
  const at = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].toSorted((a, b) => a - b);
  const events: Buffer[] = [];
  let start = 0;
  for (const end of [...at, bytes.length]) {
    events.push(...framer.push(bytes.subarray(start, end)));
    start = end;
  }
  return { events: events.map((part) => part.toString()), rest: framer.flush().toString() };
}

describe('server-sent events', () => {
  it('come out whole and unchanged, wherever the bytes were cut', () => {
    fc.assert(
      fc.property(stream, ({ events, tail, cuts }) => {
        const bytes = Buffer.from(events.join('') + tail);
        expect(framed(bytes, cuts)).toEqual({ events, rest: tail });
      }),
      { numRuns: 500 },
    );
  });

  it('come out whole byte by byte, and lose none of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (given) => {
        const framer = new SseFramer();
        const bytes = Buffer.from(given);
        const out: Buffer[] = [];
        for (const byte of bytes) out.push(...framer.push(Buffer.from([byte])));
        expect(Buffer.concat([...out, framer.flush()]).equals(bytes)).toBe(true);
        const whole = new SseFramer().push(bytes);
        expect(whole.map(String)).toEqual(out.map(String));
      }),
    );
  });

  it('carry what was put into them', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const written = eventOf(value);
        expect(framed(written, [1, 3, 5]).events).toEqual([written.toString()]);
        expect(JSON.parse(dataOf(written) as string)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it('too long to be an answer end the stream', () => {
    const framer = new SseFramer();
    const half = Buffer.alloc(17 * 1024 * 1024, 97);
    framer.push(half);
    expect(() => framer.push(half)).toThrow(RangeError);
  });

  it('of any content are read without an exception, and their text is counted once', () => {
    const odd = fc.oneof(
      fc.jsonValue(),
      fc.record(
        { choices: fc.jsonValue(), usage: fc.jsonValue(), error: fc.jsonValue(), model: fc.jsonValue() },
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(fc.array(odd, { maxLength: 10 }), (chunks) => {
        const reader = new StreamReader('openai', 'o200k_base');
        for (const chunk of chunks) reader.read(eventOf(chunk));
        expect(reader.deliveredTokens).toBe(reader.deliveredTokens);
        expect(reader.finished).toBe(false);
        reader.read(Buffer.from('data: [DONE]\n\n'));
        expect(reader.finished).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('bill the last report, whatever placeholders came before (TC-25)', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 1, maxLength: 8 }), (counts) => {
        const reader = new StreamReader('openai', 'o200k_base');
        for (const completion_tokens of counts) {
          reader.read(eventOf({ choices: [], usage: { prompt_tokens: 3, completion_tokens } }));
        }
        expect(reader.report?.output).toBe(BigInt(counts.at(-1) as number));
      }),
    );
  });
});
