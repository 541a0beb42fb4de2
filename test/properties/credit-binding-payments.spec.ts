import fc from 'fast-check';
import { findBindingPayment } from '../../src/payments/credit-binding/binding-payment';
import {
  attestationOf,
  authorize,
  creditAskedFor,
  type CreditWorld,
  expectCreditBooks,
  NETWORK,
  registerServer,
  startCreditWorld,
} from '../support/credit-world';
import { chat, customerWith } from '../support/world';
import { countOfBooks } from '../support/x402-world';

/** More of them, or the same again: X402_RUNS=5000 X402_SEED=… */
const RUNS = Number(process.env['X402_RUNS'] ?? 150);
const SEED = Number(process.env['X402_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const parameters = { numRuns: RUNS, seed: SEED };

const base64 = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64');

const ODD = fc.oneof(
  fc.constantFrom('', '0', '-1', '\u0000', '__proto__', 'a.b.c', '...', 'x'.repeat(5000)),
  fc.jsonValue({ maxDepth: 1 }),
);

describe(`payments with credit, whatever is in them (seed ${SEED})`, () => {
  let world: CreditWorld;
  let row: object;
  let attestation: string;

  beforeAll(async () => {
    world = await startCreditWorld();
    row = await creditAskedFor(chat(world.url, undefined));
    const shop = await registerServer(world, 'https://shop.example');
    // Good, but for somebody else: what happens to be left as it was pays for nothing either.
    const resource = `${shop.origin}/v1/chat/completions`;
    attestation = await attestationOf(authorize(world, await customerWith(world, 1_000_000_000n), { resource }));
  });
  afterEach(() => expectCreditBooks(world));
  afterAll(() => world?.stop());

  const tampered = () =>
    fc.record({
      x402Version: fc.constantFrom(1, 2, 2, 2, '2', null),
      accepted: fc.oneof(fc.constant(row), fc.constant({ ...row, extra: null }), ODD),
      payload: fc.oneof(
        fc.record({
          type: fc.oneof(fc.constant('consume'), ODD),
          attestation: fc.oneof(damaged(attestation), fc.constant(attestation), ODD),
        }),
        ODD,
      ),
      extensions: fc.oneof(fc.constant({}), ODD),
    });

  test('finding one never throws', () => {
    fc.assert(
      fc.property(tampered(), (payment) => {
        const found = findBindingPayment({ 'payment-signature': base64(payment) }, NETWORK);
        expect(found === undefined || 'refusal' in found || typeof found.attestation === 'string').toBe(true);
      }),
      { ...parameters, numRuns: RUNS * 20 },
    );
  });

  test('it is refused, with 400 or 402, and does nothing', async () => {
    const before = await countOfBooks(world);
    await fc.assert(
      fc.asyncProperty(fc.array(tampered(), { minLength: 8, maxLength: 8 }), async (payments) => {
        await Promise.all(
          payments.map(async (payment) => {
            const { status } = await chat(world.url, undefined, {}, { 'payment-signature': base64(payment) });
            if (status !== 400 && status !== 402) throw new Error(`${status} for ${JSON.stringify(payment)}`);
          }),
        );
      }),
      { ...parameters, numRuns: Math.ceil(RUNS / 4) },
    );
    expect(world.upstream.calls()).toEqual([]);
    expect(await countOfBooks(world)).toEqual(before);
  });
});

/** With one of its characters changed. */
const damaged = (text: string): fc.Arbitrary<string> =>
  fc
    .tuple(fc.nat(text.length - 1), fc.constantFrom(...'AZaz09-_.= '.split('')))
    .map(([at, character]) => text.slice(0, at) + character + text.slice(at + 1));
