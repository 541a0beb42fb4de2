import { randomBytes } from 'node:crypto';
import { newId } from '../../src/common/id';
import { type Money, usd } from '../../src/common/money';
import type { KeptAnswer } from '../../src/payments/claim';
import type {
  Delivery,
  Failure,
  Hold,
  PaymentPayload,
  PaymentScheme,
  RequestHeaders,
  Work,
} from '../../src/payments/payment-scheme';
import type { Quote } from '../../src/pricing/quote';

/** What the suite needs of a scheme, beside the scheme. */
export interface SchemeUnderTest {
  readonly scheme: PaymentScheme;
  /** Its name in `accepts`, where that is not its own. */
  readonly wireScheme?: string;
  /** Response headers that an answer in one piece has when it is paid. */
  readonly receiptHeaders?: readonly string[];
  /** Whether a payment ends with its release: the next attempt needs a new one. */
  readonly spentByRelease?: boolean;
  readonly quote: Quote;
  /** Request headers with a fresh payment that is good for this work. */
  pay(work: Work): Promise<RequestHeaders>;
  /** Headers that name this scheme and cannot be read or are worth nothing. */
  readonly garbage: readonly RequestHeaders[];
  /** All that was ever taken, in atoms of the scheme's asset. */
  taken(): Promise<bigint>;
  /** What a charge may take from a hold. */
  allowed(held: Money, charge: Money): bigint;
}

const ANSWER: KeptAnswer = { status: 200, headers: { 'content-type': 'text/plain' }, body: Buffer.from('An answer.') };
const NOTHING: Failure = { code: 'upstream_failed', rows: () => ({}) };
const COPIES = 8;

/** What every payment scheme keeps, whatever money it moves. */
export function describePaymentScheme(name: string, under: () => SchemeUnderTest): void {
  const work = (fingerprint: string = randomBytes(16).toString('base64url'), stream = false): Work => ({
    callId: newId(),
    quote: under().quote,
    resource: { url: 'http://localhost/v1/chat/completions', description: 'inference', mimeType: 'application/json' },
    model: 'gpt-4o-mini',
    stream,
    fingerprint,
    idempotencyKey: fingerprint,
    headers: {},
  });
  const copyOf = (first: Work): Work => ({ ...first, callId: newId() });
  const delivery = (atoms: bigint): Delivery => ({
    charge: { amount: usd(atoms), lines: [] },
    rows: () => ({}),
    answer: ANSWER,
  });

  const attempt = async (headers: RequestHeaders, given: Work) => {
    const payment = under().scheme.find(headers);
    if (!payment) throw new Error('The scheme did not find its own payment.');
    return under().scheme.hold(payment, { ...given, headers });
  };
  const held = async (given = work()): Promise<{ hold: Hold; headers: RequestHeaders; given: Work }> => {
    const headers = await under().pay(given);
    const outcome = await attempt(headers, given);
    if (outcome.kind !== 'held') throw new Error(`not held: ${JSON.stringify(outcome)}`);
    return { hold: outcome.hold, headers, given };
  };
  /** What `action` takes. */
  const takenBy = async (action: () => Promise<unknown>): Promise<bigint> => {
    const before = await under().taken();
    await action();
    return (await under().taken()) - before;
  };
  const small = () => under().quote.ceiling.atoms / 2n;
  const allowed = (hold: Hold, atoms: bigint) => under().allowed(hold.amount, usd(atoms));

  describe(`the ${name} scheme`, () => {
    test('asks for the whole ceiling, under its own name', () => {
      for (const required of under().scheme.requirements(work())) {
        expect(required.scheme).toBe(under().wireScheme ?? under().scheme.name);
        expect(BigInt(required.amount)).toBeGreaterThan(0n);
      }
    });

    test('finds nothing in a request that pays nothing', () => {
      expect(under().scheme.find({})).toBeUndefined();
      expect(under().scheme.find({ 'content-type': 'application/json' })).toBeUndefined();
    });

    test('refuses garbage as a value', async () => {
      for (const headers of under().garbage) {
        const payment = under().scheme.find(headers);
        if (!payment) continue;
        const outcome = await under().scheme.hold(payment, work());
        expect(outcome).toMatchObject({
          kind: 'refused',
          refusal: { code: expect.stringMatching(/^[a-z0-9_]+$/), detail: expect.any(String) },
        });
      }
    });

    test.each([false, true])('holds, captures what was used, and no more (stream: %s)', async (stream) => {
      const { hold } = await held(work(undefined, stream));
      expect(hold).toMatchObject({ scheme: under().scheme.name });

      const taken = await takenBy(async () => {
        const outcome = await under().scheme.capture(hold, delivery(small()));
        expect(outcome).toMatchObject({ kind: 'captured', receipt: { charge: { atoms: allowed(hold, small()) } } });
        if (outcome.kind !== 'captured' || stream) return;
        expect(Object.keys(outcome.receipt.headers)).toEqual(
          expect.arrayContaining([...(under().receiptHeaders ?? [])]),
        );
      });
      expect(taken).toBe(allowed(hold, small()));
      expect(taken).toBeGreaterThan(0n);
    });

    test.each([false, true])('captures never more than it allows (stream: %s)', async (stream) => {
      const { hold } = await held(work(undefined, stream));
      const excessive = under().quote.ceiling.atoms * 3n;

      expect(await takenBy(() => under().scheme.capture(hold, delivery(excessive)))).toBe(allowed(hold, excessive));
      if (hold.capped) expect(allowed(hold, excessive)).toBeLessThanOrEqual(hold.amount.atoms);
    });

    test.each([false, true])('captured twice is captured once (stream: %s)', async (stream) => {
      const { hold } = await held(work(undefined, stream));

      const taken = await takenBy(async () => {
        const first = await under().scheme.capture(hold, delivery(small()));
        const second = await under().scheme.capture(hold, delivery(small()));
        expect(second.kind).toBe('captured');
        expect((second as typeof first & { receipt?: unknown }).receipt).toMatchObject({
          charge: { atoms: allowed(hold, small()) },
        });
      });
      expect(taken).toBe(allowed(hold, small()));
    });

    test('captured by two at once is captured once', async () => {
      const { hold } = await held();

      const taken = await takenBy(() =>
        Promise.all([under().scheme.capture(hold, delivery(small())), under().scheme.capture(hold, delivery(small()))]),
      );
      expect(taken).toBe(allowed(hold, small()));
    });

    test.each([false, true])('released takes nothing, however often (stream: %s)', async (stream) => {
      const { hold, headers, given } = await held(work(undefined, stream));

      const taken = await takenBy(async () => {
        await under().scheme.release(hold, NOTHING);
        await under().scheme.release(hold, NOTHING);
      });
      expect(taken).toBe(0n);
      // The same payment may try the same work again.
      const again = await attempt(headers, copyOf(given));
      expect(again.kind).toBe(under().spentByRelease ? 'refused' : 'held');
    });

    test('released after it was captured changes nothing', async () => {
      const { hold, headers, given } = await held();
      await under().scheme.capture(hold, delivery(small()));

      expect(await takenBy(() => under().scheme.release(hold, NOTHING))).toBe(0n);
      expect(await attempt(headers, copyOf(given))).toMatchObject({ kind: 'replay', answer: { status: 200 } });
    });

    test.each([false, true])('captured after it was released takes nothing (stream: %s)', async (stream) => {
      const { hold } = await held(work(undefined, stream));
      await under().scheme.release(hold, NOTHING);

      const taken = await takenBy(() =>
        under()
          .scheme.capture(hold, delivery(small()))
          .catch(() => undefined),
      );
      expect(taken).toBe(0n);
    });

    test.each([false, true])(
      'copies of one payment: one is held, the others get its answer (stream: %s)',
      async (stream) => {
        const first = work(undefined, stream);
        const headers = await under().pay(first);
        const copies = Array.from({ length: COPIES }, () => attempt(headers, copyOf(first)));

        const { hold } = (await Promise.any(
          copies.map(async (copy) => {
            const outcome = await copy;
            if (outcome.kind !== 'held') throw new Error(outcome.kind);
            return outcome;
          }),
        )) as { hold: Hold };
        const taken = await takenBy(() => under().scheme.capture(hold, delivery(small())));
        const outcomes = await Promise.all(copies);

        expect(taken).toBe(allowed(hold, small()));
        expect(outcomes.filter(({ kind }) => kind === 'held')).toHaveLength(1);
        const replays = outcomes.filter((outcome) => outcome.kind === 'replay');
        expect(replays).toHaveLength(COPIES - 1);
        for (const replay of replays) expect(replay.answer.body.toString()).toBe(ANSWER.body.toString());
      },
    );

    test('proves its payer by the signature alone, or knows none', async () => {
      const given = work();
      const headers = await under().pay(given);
      const { scheme } = under();
      const payer = await scheme.prove?.(scheme.find(headers) as PaymentPayload, { ...given, headers });

      // Nothing was claimed by it.
      expect(await attempt(headers, given)).toMatchObject({
        kind: 'held',
        hold: payer === undefined ? {} : { payer },
      });
    });

    test('the same payment with other work is refused', async () => {
      const { hold, headers, given } = await held();
      await under().scheme.capture(hold, delivery(small()));

      const other = { ...copyOf(given), fingerprint: 'something else' };
      expect((await attempt(headers, other)).kind).toBe('refused');
    });

    test('and does not wait for the first to be done', async () => {
      const { hold, headers, given } = await held();

      const other = { ...copyOf(given), fingerprint: 'something else' };
      expect((await attempt(headers, other)).kind).toBe('refused');
      await under().scheme.release(hold, NOTHING);
    });
  });
}
