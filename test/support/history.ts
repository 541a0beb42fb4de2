import fc from 'fast-check';

/**
 * What happens to the prepaid money of some customers, as data: whatever is told of it, in whatever order, must end in
 * the same books. Payments are named by their place among those of their customer; what cannot happen (a refund of
 * nothing) does not, in every telling alike.
 */
export interface History {
  readonly customers: readonly HistoryCustomer[];
  readonly segments: readonly Segment[];
}

export interface HistoryCustomer {
  /** What it begins with, paid by card. */
  readonly cents: number;
  /** Has a saved card, and a balance that fills itself up below $20. */
  readonly reloads: boolean;
}

/** First, while all is told and done, what customers and the operator do; then what happens at Stripe. */
export interface Segment {
  readonly rest: readonly RestAction[];
  readonly stories: readonly Story[];
  readonly trouble: Trouble;
}

export type RestAction =
  | { readonly act: 'call'; readonly customer: number; readonly cents: number }
  /** In flight until one of the next two, or the end. */
  | { readonly act: 'hold'; readonly customer: number; readonly cents: number }
  | { readonly act: 'capture' | 'release'; readonly customer: number; readonly which: number; readonly percent: number }
  | {
      readonly act: 'refund';
      readonly customer: number;
      readonly payment: number;
      /** 0: all that may go back. */
      readonly percent: number;
      readonly force: boolean;
    }
  | { readonly act: 'grant ends'; readonly customer: number; readonly which: number };

/**
 * What happens at Stripe to one payment. A customer has one story in a segment, and one that reloads one step in it:
 * what two payments of one customer do to each other depends on which is heard of first, and rightly so.
 */
export interface Story {
  readonly customer: number;
  /** One that is there; a story that begins with `pay` makes its own. */
  readonly payment: number;
  readonly steps: readonly Step[];
}

export type Step =
  | { readonly step: 'pay'; readonly cents: number; readonly currency: 'usd' | 'eur'; readonly bank: boolean }
  | { readonly step: 'pay again' | 'page expires' | 'warn' }
  | { readonly step: 'bank settles'; readonly succeeds: boolean }
  | { readonly step: 'refund'; readonly percent: number; readonly pending: boolean }
  | { readonly step: 'refund ends'; readonly outcome: 'succeeded' | 'failed' | 'canceled' }
  | { readonly step: 'dispute'; readonly percent: number; readonly inquiry: boolean; readonly withdraw: boolean }
  | { readonly step: 'withdraw' | 'review' | 'escalate' | 'win' | 'win without money' | 'inquiry closes' }
  /** Ends its story: what comes back after a loss that was not heard of was never taken. */
  | { readonly step: 'lose' | 'reinstate' };

/** What is wrong with how the application hears of a segment. */
export interface Trouble {
  /** Sorts what is delivered; cyclic. */
  readonly order: readonly number[];
  /** How many times each is delivered, cyclic; 0: never. */
  readonly copies: readonly number[];
  /** So many at once. */
  readonly together: number;
  /** Old events that come again, under another id. */
  readonly echoes: readonly number[];
  readonly crash: { readonly transaction: number; readonly when: 'before the commit' | 'after the commit' } | null;
  /** One request of the application to Stripe goes wrong, and all that it repeats by itself. */
  readonly stripe: { readonly kind: (typeof FAULTS)[number]; readonly path: string; readonly skip: number } | null;
}

const FAULTS = ['reset_before', 'reset_after', '500_after', '429'] as const;

const percent = fc.oneof(fc.constantFrom(100, 100, 50, 40), fc.integer({ min: 1, max: 99 }));
const customer = fc.nat({ max: 1 });
const which = fc.nat({ max: 2 });
const cents = fc.integer({ min: 1, max: 9_000 });

const act = <Name extends RestAction['act'], More extends object>(weight: number, name: Name, more: More) => ({
  weight,
  arbitrary: fc.record({ act: fc.constant(name), customer, ...more }),
});
const refunding = { payment: which, percent: fc.constantFrom(0, 0, 100, 60, 30, 7), force: fc.boolean() };
const restAction = fc.oneof(
  act(5, 'call', { cents }),
  act(2, 'hold', { cents }),
  act(2, 'capture', { which, percent }),
  act(1, 'release', { which, percent }),
  act(2, 'refund', refunding),
  act(1, 'grant ends', { which }),
) as fc.Arbitrary<RestAction>;

const step = <Name extends Step['step'], More extends object>(name: Name, more?: More) =>
  fc.record({ step: fc.constant(name), ...more }) as unknown as fc.Arbitrary<Step>;
const oneStepOf = (...names: readonly Step['step'][]) =>
  fc.constantFrom(...names).map((name) => ({ step: name }) as Step);

const pay = step('pay', {
  cents: fc.integer({ min: 500, max: 20_000 }),
  currency: fc.constantFrom('usd', 'usd', 'eur'),
  bank: fc.constantFrom(false, false, false, true),
});
const refund = step('refund', { percent, pending: fc.boolean() });
const refundEnds = step('refund ends', { outcome: fc.constantFrom('succeeded', 'failed', 'canceled') });
const inquiry = fc.constantFrom(false, false, true);
const dispute = step('dispute', { percent, inquiry, withdraw: fc.constantFrom(true, true, false) });
const move = oneStepOf('withdraw', 'review', 'escalate');
const end = oneStepOf('win', 'win without money', 'lose', 'lose', 'reinstate', 'inquiry closes');
const page = fc.oneof(oneStepOf('pay again', 'page expires'), step('bank settles', { succeeds: fc.boolean() }));
const warn = oneStepOf('warn');

/** What may well follow each other; any of it may also be cut off, and go on in a later segment. */
const chain: fc.Arbitrary<readonly Step[]> = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(refund) },
  { weight: 3, arbitrary: fc.tuple(refundEnds) },
  { weight: 2, arbitrary: fc.tuple(refund, refundEnds) },
  { weight: 1, arbitrary: fc.tuple(refund, refund, refundEnds, dispute) },
  { weight: 3, arbitrary: fc.tuple(dispute) },
  { weight: 2, arbitrary: fc.tuple(dispute, move) },
  { weight: 3, arbitrary: fc.tuple(dispute, end) },
  { weight: 2, arbitrary: fc.tuple(dispute, move, end) },
  { weight: 3, arbitrary: fc.tuple(move) },
  { weight: 5, arbitrary: fc.tuple(end) },
  { weight: 1, arbitrary: fc.tuple(move, end) },
  { weight: 2, arbitrary: fc.tuple(page) },
  { weight: 1, arbitrary: fc.tuple(warn) },
  { weight: 1, arbitrary: fc.tuple(warn, fc.oneof(refund, dispute)) },
);

const story: fc.Arbitrary<Story> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ customer, payment: which, steps: chain }) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(customer, pay, fc.oneof(fc.constant([]), chain))
      .map(([whose, first, rest]) => ({ customer: whose, payment: 0, steps: [first, ...rest] })),
  },
);

const trouble: fc.Arbitrary<Trouble> = fc.record({
  order: fc.array(fc.nat({ max: 99 }), { minLength: 1, maxLength: 12 }),
  copies: fc.array(fc.constantFrom(1, 0, 2), { minLength: 1, maxLength: 6 }),
  together: fc.integer({ min: 1, max: 4 }),
  echoes: fc.array(fc.nat({ max: 99 }), { maxLength: 3 }),
  crash: fc.option(
    fc.record({
      transaction: fc.nat({ max: 12 }),
      when: fc.constantFrom('before the commit' as const, 'after the commit' as const),
    }),
  ),
  stripe: fc.option(
    fc.record({
      kind: fc.constantFrom(...FAULTS),
      path: fc.constantFrom(...['payment_intents', 'refunds', 'disputes', 'charges'].map((name) => `/v1/${name}`)),
      skip: fc.nat({ max: 4 }),
    }),
  ),
});

/** Thousands of these are lived by `test/properties/card-life.spec.ts`. */
export const histories = ({ reloads }: { reloads: boolean }): fc.Arbitrary<History> =>
  fc.record({
    customers: fc.array(
      fc.record({
        cents: fc.integer({ min: 500, max: 15_000 }),
        reloads: reloads ? fc.boolean() : fc.constant(false),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    segments: fc.array(
      fc.record({
        rest: fc.array(restAction, { maxLength: 3 }),
        stories: fc.array(story, { minLength: 1, maxLength: 2 }),
        trouble,
      }),
      { minLength: 1, maxLength: 5 },
    ),
  });

/** What of a segment is lived: one story of each customer that there is, of those that reload one step of it. */
export function storiesOf({ customers }: History, { stories }: Segment): readonly Story[] {
  const seen = new Set<number>();
  return stories.flatMap((each) => {
    const whose = each.customer % customers.length;
    if (seen.has(whose)) return [];
    seen.add(whose);
    // Which of two payments of one page is the first is decided by which is heard of first.
    const steps = each.steps.filter((one, place) => place === 0 || one.step !== 'pay again');
    const last = steps.findIndex((one) => one.step === 'lose' || one.step === 'reinstate');
    const most = customers[whose]?.reloads ? 1 : last < 0 ? steps.length : last + 1;
    return [{ ...each, customer: whose, steps: steps.slice(0, most) }];
  });
}
