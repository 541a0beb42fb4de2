import fc from 'fast-check';
import { findExactPayment } from '../../src/payments/exact/exact-payment';
import { payerWith, receivedOnChain } from '../support/chain';
import { askedFor, countOfBooks, signPayment, startX402World, type X402World } from '../support/x402-world';
import { chat } from '../support/world';

/** More of them, or the same again: X402_RUNS=5000 X402_SEED=… */
const RUNS = Number(process.env['X402_RUNS'] ?? 150);
const SEED = Number(process.env['X402_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const parameters = { numRuns: RUNS, seed: SEED };

const base64 = (text: string) => Buffer.from(text).toString('base64');

const ODD_VALUES = fc.constantFrom(
  '',
  '0x',
  '0',
  '-1',
  '1e3',
  '0x10',
  '９',
  '115792089237316195423570985008687907853269984665640564039457584007913129639935',
  '115792089237316195423570985008687907853269984665640564039457584007913129639936',
  `0x${'0'.repeat(40)}`,
  `0x${'f'.repeat(64)}`,
  `0x${'0'.repeat(130)}`,
  `0x${'f'.repeat(130)}`,
  `0x${'11'.repeat(200)}${'6492'.repeat(16)}`,
  '\u0000',
  '__proto__',
  [],
  {},
  null,
  0,
);

describe(`seed ${SEED}`, () => {
  const header = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.json().map(base64),
    fc
      .record({ x402Version: fc.constantFrom(1, 2), accepted: fc.jsonValue(), payload: fc.jsonValue() })
      .map((value) => base64(JSON.stringify(value))),
    fc.constant(undefined),
    fc.array(fc.string()),
  );

  test('whatever is in the headers, finding a payment in them never throws', () => {
    fc.assert(
      fc.property(header, header, (v2, v1) => {
        const found = findExactPayment({ 'payment-signature': v2, 'x-payment': v1 });
        expect(found === undefined || 'refusal' in found || /^0x[0-9a-f]{64}$/.test(found.authorization.nonce)).toBe(
          true,
        );
      }),
      { ...parameters, numRuns: RUNS * 20 },
    );
  });

  describe('a payment that was tampered with', () => {
    let world: X402World;
    let genuine: string;

    beforeAll(async () => {
      world = await startX402World();
      // Without money: what happens to be left as it was is not paid either.
      const payment = await signPayment(await payerWith(world.chain, 0n), await askedFor(chat(world.url, undefined)));
      genuine = JSON.stringify(payment);
    });
    afterAll(() => world?.stop());

    /** Its bytes, its base64, or one of its fields. */
    const tampering: fc.Arbitrary<(text: string) => string> = fc.oneof(
      fc.tuple(fc.nat(), fc.integer({ min: 32, max: 126 })).map(
        ([at, code]) =>
          (text: string) =>
            base64(withByte(text, at, code)),
      ),
      fc.tuple(fc.nat(), fc.constantFrom(...'0123456789abcdefABCDEF'.split(''))).map(
        ([at, digit]) =>
          (text: string) =>
            base64(withHexDigit(text, at, digit)),
      ),
      fc.tuple(fc.nat(), fc.constantFrom(...'AZaz09+/=-_ '.split(''))).map(
        ([at, character]) =>
          (text: string) =>
            withByte(base64(text), at, character.charCodeAt(0)),
      ),
      fc.tuple(fc.nat(), fc.oneof(fc.jsonValue({ maxDepth: 1 }), ODD_VALUES, fc.constant(undefined))).map(
        ([at, value]) =>
          (text: string) =>
            base64(JSON.stringify(withField(JSON.parse(text), at, value))),
      ),
      fc.nat().map((length) => (text: string) => base64(text).slice(0, length % base64(text).length)),
      fc.string({ unit: 'binary-ascii', maxLength: 300 }).map((noise) => () => noise.replace(/[^\x21-\x7e]/g, '~')),
    );

    test('is refused, with 400 or 402, and does nothing', async () => {
      const before = await countOfBooks(world);
      await fc.assert(
        fc.asyncProperty(fc.array(tampering, { minLength: 8, maxLength: 8 }), fc.boolean(), async (changes, v1) => {
          const name = v1 ? 'x-payment' : 'payment-signature';
          const text = v1 ? genuine.replace('"x402Version":2', '"x402Version":1') : genuine;
          const answers = await Promise.all(
            changes.map(async (change) => {
              const value = change(text).trim();
              const response = await chat(world.url, undefined, {}, { [name]: value });
              const { code } = (await response.json()) as { code: string };
              return { status: response.status, code, value };
            }),
          );
          for (const { status, code, value } of answers) {
            if (status !== 400 && status !== 402) throw new Error(`${status} ${code} for ${name}: ${value}`);
          }
        }),
        { ...parameters, numRuns: Math.ceil(RUNS / 4) },
      );
      expect(world.upstream.calls()).toEqual([]);
      expect(await countOfBooks(world)).toEqual(before);
      expect(await receivedOnChain(world.chain)).toBe(0n);
    });
  });
});

function withByte(text: string, at: number, code: number): string {
  const position = at % text.length;
  return text.slice(0, position) + String.fromCharCode(code) + text.slice(position + 1);
}

/** Inside of a hex number: the envelope stays whole. */
function withHexDigit(text: string, at: number, digit: string): string {
  const places = [...text.matchAll(/0x([0-9a-fA-F]+)/g)].flatMap((match) =>
    Array.from({ length: (match[1] as string).length }, (_, index) => match.index + 2 + index),
  );
  const place = places[at % places.length] as number;
  return text.slice(0, place) + digit + text.slice(place + 1);
}

/** One of all fields, at any depth, replaced or left out. */
function withField(payment: unknown, at: number, value: unknown): unknown {
  const places: [Record<string, unknown>, string][] = [];
  const walk = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    for (const [name, child] of Object.entries(node)) {
      places.push([node as Record<string, unknown>, name]);
      walk(child);
    }
  };
  walk(payment);
  const [node, name] = places[at % places.length] as [Record<string, unknown>, string];
  node[name] = value;
  return payment;
}
