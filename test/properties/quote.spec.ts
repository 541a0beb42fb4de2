import fc from 'fast-check';
import { METERS, type Meter, type Quantities, readUsageReport } from '../../src/metering/usage';
import { parseRates, type Price, type Rates, serializeRates } from '../../src/pricing/price';
import { type Charge, chargeFor, quoteFor } from '../../src/pricing/quote';

/** Real prices and hostile ones: primes, zeros, the largest that is accepted. */
const rate = fc.oneof(fc.bigInt(0n, 10n ** 11n), fc.constantFrom(0n, 1n, 999_983n, 150_000_000n));
const rates: fc.Arbitrary<Rates> = fc.record(
  {
    inputNanoPerMillion: rate,
    cachedInputNanoPerMillion: rate,
    cacheWriteNanoPerMillion: rate,
    outputNanoPerMillion: rate,
    reasoningNanoPerMillion: rate,
    perRequestNano: rate,
    perSecondNano: rate,
    perImageNano: fc.dictionary(fc.constantFrom('default', '1024x1024', '1024x1024:hd', '512x512'), rate),
  },
  { requiredKeys: [] },
);
const price = rates.map((given): Price => ({
  id: 'price_1',
  modelId: 'm',
  version: 1,
  effectiveFrom: new Date(0),
  rates: given,
}));
const imageClass = fc.oneof(
  fc.constantFrom(undefined, '1024x1024:hd', '512x512:standard', 'constructor:standard', '__proto__:x', 'toString'),
  fc.string(),
);
const tokens = fc.bigInt(0n, 2_000_000n);
const estimate = fc.record({ input: tokens, output: tokens, image: fc.bigInt(0n, 100n), request: fc.constant(1n) });

/** Usage that stays within an estimate, split over the kinds of input and output in any way. */
const usageWithin = (most: { input: bigint; output: bigint; image: bigint }): fc.Arbitrary<Quantities> =>
  fc
    .record({
      input: fc.bigInt(0n, most.input),
      output: fc.bigInt(0n, most.output),
      image: fc.bigInt(0n, most.image),
      parts: fc.tuple(fc.bigInt(0n, 100n), fc.bigInt(0n, 100n), fc.bigInt(0n, 100n)),
    })
    .map(({ input, output, image, parts: [cached, written, reasoned] }) => {
      const cachedInput = (input * cached) / 100n;
      const cacheWrite = ((input - cachedInput) * written) / 100n;
      const reasoning = (output * reasoned) / 100n;
      return {
        input: input - cachedInput - cacheWrite,
        cached_input: cachedInput,
        cache_write: cacheWrite,
        output: output - reasoning,
        reasoning,
        image,
        request: 1n,
      };
    });

/** In femto-USD. */
const sumOf = ({ lines }: Charge): bigint =>
  lines.reduce((sum, { amount }) => {
    const [whole = '', fraction = ''] = amount.split('.');
    return sum + BigInt(whole + fraction.padEnd(15, '0'));
  }, 0n);

describe('a quote', () => {
  it('is a ceiling: no usage within the estimate costs more, however it is split', () => {
    fc.assert(
      fc.property(
        fc
          .tuple(price, imageClass, estimate)
          .chain(([given, image, most]) => fc.tuple(fc.constant(quoteFor(given, most, image)), usageWithin(most))),
        ([quote, usage]) => {
          expect(chargeFor(quote, usage).amount.atoms).toBeLessThanOrEqual(quote.ceiling.atoms);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('lines are exact, sum to the charge within half a nano-USD, and a cost has a unit behind it (TC-31)', () => {
    fc.assert(
      fc.property(
        price,
        imageClass,
        usageWithin({ input: 10n ** 9n, output: 10n ** 9n, image: 1000n }),
        (given, image, usage) => {
          const charge = chargeFor(quoteFor(given, { request: 1n }, image), usage);
          const error = sumOf(charge) - charge.amount.atoms * 1_000_000n;
          expect(error >= -500_000n && error < 500_000n).toBe(true);
          for (const { meter, quantity, unitPriceNano, per, amount } of charge.lines) {
            expect(BigInt(quantity)).toBe(usage[meter]);
            const femto = BigInt(quantity) * BigInt(unitPriceNano) * (per === '1' ? 1_000_000n : 1n);
            expect(sumOf({ ...charge, lines: [{ meter, quantity, unitPriceNano, per, amount }] })).toBe(femto);
          }
          expect(charge.lines.length > 0 || charge.amount.atoms === 0n).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('grows with usage: a unit more never costs less', () => {
    const meter = fc.constantFrom<Meter>(...METERS);
    fc.assert(
      fc.property(
        price,
        imageClass,
        usageWithin({ input: 10_000n, output: 10_000n, image: 5n }),
        meter,
        (given, image, usage, more) => {
          const quote = quoteFor(given, {}, image);
          const greater = { ...usage, [more]: (usage[more] ?? 0n) + 1n };
          expect(chargeFor(quote, greater).amount.atoms).toBeGreaterThanOrEqual(chargeFor(quote, usage).amount.atoms);
        },
      ),
    );
  });

  it('costs the same whichever convention reports the same usage (TC-34)', () => {
    fc.assert(
      fc.property(price, usageWithin({ input: 100_000n, output: 100_000n, image: 0n }), (given, usage) => {
        const [input, cached, written] = [usage.input, usage.cached_input, usage.cache_write].map(Number) as [
          number,
          number,
          number,
        ];
        const output = Number((usage.output ?? 0n) + (usage.reasoning ?? 0n));
        const openai = readUsageReport(
          {
            prompt_tokens: input + cached + written,
            prompt_tokens_details: { cached_tokens: cached, cache_write_tokens: written },
            completion_tokens: output,
          },
          'openai',
        );
        const anthropic = readUsageReport(
          {
            input_tokens: input,
            cache_read_input_tokens: cached,
            cache_creation_input_tokens: written,
            output_tokens: output,
          },
          'anthropic',
        );
        const quote = quoteFor(given, {});
        expect(chargeFor(quote, openai as Quantities)).toEqual(chargeFor(quote, anthropic as Quantities));
      }),
    );
  });

  it('nothing is charged for a reported zero, nor for what has no price', () => {
    fc.assert(
      fc.property(price, imageClass, (given, image) => {
        const zero = Object.fromEntries(METERS.map((meter) => [meter, 0n]));
        expect(chargeFor(quoteFor(given, {}, image), zero)).toMatchObject({ amount: { atoms: 0n }, lines: [] });
        expect(
          chargeFor(quoteFor({ ...given, rates: {} }, {}, image), { input: 5n, image: 5n, request: 1n }).amount.atoms,
        ).toBe(0n);
      }),
    );
  });

  it('of more than a ledger holds is refused, not broken', () => {
    const huge: Price = {
      id: 'p',
      modelId: 'm',
      version: 1,
      effectiveFrom: new Date(0),
      rates: { perImageNano: { default: 10n ** 14n } },
    };
    expect(() => quoteFor(huge, { image: 10_000_000n })).toThrow('one billion');
  });

  it('sums of a hundred thousand random calls are the counter, bit by bit (TC-36)', () => {
    const quote = quoteFor(
      {
        id: 'p',
        modelId: 'm',
        version: 1,
        effectiveFrom: new Date(0),
        rates: { inputNanoPerMillion: 149_999_993n, outputNanoPerMillion: 600_000_007n },
      },
      {},
    );
    let state = 12_345n;
    let [counter, sum] = [0n, 0n];
    for (let n = 0; n < 100_000; n++) {
      state = (state * 6_364_136_223_846_793_005n + 1_442_695_040_888_963_407n) % 2n ** 64n;
      const { amount } = chargeFor(quote, { input: state % 5_000n, output: (state >> 20n) % 3_000n });
      counter += amount.atoms;
      const [whole, fraction = ''] =
        `${amount.atoms / 10n ** 9n}.${(amount.atoms % 10n ** 9n).toString().padStart(9, '0')}`.split('.');
      sum += BigInt(whole + fraction);
    }
    expect(sum).toBe(counter);
  });

  it('rates survive their way into the database and back', () => {
    fc.assert(
      fc.property(rates, (given) =>
        expect(parseRates(JSON.parse(JSON.stringify(serializeRates(given))))).toEqual(given),
      ),
    );
  });
});
