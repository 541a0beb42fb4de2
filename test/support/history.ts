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

const percent = fc.integer({ min: 1, max: 100 });
const customer = fc.nat({ max: 1 });
const which = fc.nat({ max: 5 });
const cents = fc.integer({ min: 1, max: 20_000 });

const restAction: fc.Arbitrary<RestAction> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constant('call' as const), customer, cents }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('hold' as const), customer, cents }) },
  {
    weight: 2,
    arbitrary: fc.record({ act: fc.constantFrom('capture' as const, 'release' as const), customer, which, percent }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      act: fc.constant('refund' as const),
      customer,
      payment: which,
      percent: fc.integer({ min: 0, max: 100 }),
      force: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('grant ends' as const), customer, which }) },
);

const pay: fc.Arbitrary<Step> = fc.record({
  step: fc.constant('pay' as const),
  cents: fc.integer({ min: 500, max: 20_000 }),
  currency: fc.constantFrom('usd' as const, 'usd' as const, 'eur' as const),
  bank: fc.constantFrom(false, false, false, true),
});

const later: fc.Arbitrary<Step> = fc.oneof(
  { weight: 1, arbitrary: fc.record({ step: fc.constantFrom('pay again' as const, 'page expires' as const) }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('warn' as const) }) },
  { weight: 2, arbitrary: fc.record({ step: fc.constant('bank settles' as const), succeeds: fc.boolean() }) },
  {
    weight: 4,
    arbitrary: fc.record({ step: fc.constant('refund' as const), percent, pending: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      step: fc.constant('refund ends' as const),
      outcome: fc.constantFrom('succeeded' as const, 'failed' as const, 'canceled' as const),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      step: fc.constant('dispute' as const),
      percent,
      inquiry: fc.constantFrom(false, false, true),
      withdraw: fc.constantFrom(true, true, false),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      step: fc.constantFrom(
        ...(['withdraw', 'review', 'escalate', 'win', 'win without money', 'inquiry closes'] as const),
        ...(['lose', 'lose', 'reinstate'] as const),
      ),
    }),
  },
);

const story: fc.Arbitrary<Story> = fc.oneof(
  fc.record({ customer, payment: which, steps: fc.array(later, { minLength: 1, maxLength: 4 }) }),
  fc
    .tuple(customer, pay, fc.array(later, { maxLength: 3 }))
    .map(([whose, first, rest]) => ({ customer: whose, payment: 0, steps: [first, ...rest] })),
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
    customers: fc.array(fc.record({ reloads: reloads ? fc.boolean() : fc.constant(false) }), {
      minLength: 1,
      maxLength: 2,
    }),
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
    const last = each.steps.findIndex(({ step }) => step === 'lose' || step === 'reinstate');
    const most = customers[whose]?.reloads ? 1 : last < 0 ? each.steps.length : last + 1;
    return [{ ...each, customer: whose, steps: each.steps.slice(0, most) }];
  });
}
