import fc from 'fast-check';
import { CARDS, FAULTS, type History, type RestAction, type Step, type Story, type Trouble } from './history';

const percent = fc.oneof(fc.constantFrom(100, 100, 50, 40), fc.integer({ min: 1, max: 99 }));
const customer = fc.nat({ max: 1 });
const which = fc.constantFrom(0, 0, 1, 2);
const cents = fc.integer({ min: 1, max: 9_000 });

const act = (weight: number, name: RestAction['act'], more: Record<string, fc.Arbitrary<unknown>>) => ({
  weight,
  arbitrary: fc.record({ act: fc.constant(name), customer, ...more }),
});
const refunding = { payment: which, percent: fc.constantFrom(0, 0, 100, 60, 30, 7), force: fc.boolean() };
const cardActions = [
  act(5, 'call', { cents }),
  act(2, 'hold', { cents }),
  act(2, 'capture', { which, percent }),
  act(1, 'release', { which, percent }),
  act(2, 'refund', refunding),
  act(1, 'grant ends', { which }),
  act(1, 'limit', { cents: fc.constantFrom(1_000, 5_000) }),
  act(1, 'gift', { cents: fc.integer({ min: 1, max: 5_000 }), ends: fc.boolean() }),
  act(1, 'code', {}),
];
const reloadActions = [act(1, 'new card', {})];
/** Each takes the chain a few blocks. */
const usdcActions = [
  act(4, 'usdc top-up', { cents, own: fc.boolean() }),
  act(2, 'usdc call', {}),
  act(6, 'usdc refund', {
    which,
    own: fc.boolean(),
    percent: fc.constantFrom(0, 100, 60, 30, 7),
    to: fc.constantFrom('payer', 'payer', 'balance'),
    force: fc.boolean(),
  }),
];

const step = (name: Step['step'], more: Record<string, fc.Arbitrary<unknown>>) =>
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
const end = oneStepOf('win', 'win without money', 'lose', 'lose', 'lose', 'reinstate', 'reinstate', 'inquiry closes');
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

const payout = fc.record({
  payout: fc.constantFrom(...(['by hand', 'on its way', 'on its way', 'fails', 'can be tied out'] as const)),
  which,
  percent,
});

const trouble: fc.Arbitrary<Trouble> = fc.record({
  order: fc.array(fc.nat({ max: 99 }), { minLength: 1, maxLength: 12 }),
  copies: fc.array(fc.constantFrom(1, 0, 2), { minLength: 1, maxLength: 6 }),
  together: fc.integer({ min: 1, max: 4 }),
  echoes: fc.array(fc.nat({ max: 99 }), { maxLength: 3 }),
  crashes: fc.array(fc.constantFrom(...(['none', 'none', 'none', 'before the commit', 'after the commit'] as const)), {
    maxLength: 16,
  }),
  stripe: fc.option(
    fc.record({
      kind: fc.constantFrom(...FAULTS),
      path: fc.constantFrom(...['payment_intents', 'refunds', 'disputes', 'charges'].map((name) => `/v1/${name}`)),
      skip: fc.nat({ max: 4 }),
    }),
  ),
});

/** Thousands of these are lived by `test/properties/card-life.spec.ts`. */
export const histories = ({ reloads, usdc }: { reloads: boolean; usdc: boolean }): fc.Arbitrary<History> =>
  fc.record({
    customers: fc.array(
      fc.record({
        cents: fc.integer({ min: 500, max: 15_000 }),
        reloads: reloads ? fc.boolean() : fc.constant(false),
        card: fc.constantFrom(...CARDS, CARDS[0], CARDS[0]),
      }),
      { minLength: 1, maxLength: 2 },
    ),
    segments: fc.array(
      fc.record({
        rest: fc.array(
          fc.oneof(
            ...cardActions,
            ...(reloads ? reloadActions : []),
            ...(usdc ? usdcActions : []),
          ) as fc.Arbitrary<RestAction>,
          { maxLength: 3 },
        ),
        days: fc.constantFrom(0, 0, 0, 1, 2),
        payouts: fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, fc.array(payout, { maxLength: 3 })),
        stories: fc.array(story, { minLength: 1, maxLength: 2 }),
        trouble,
      }),
      { minLength: 1, maxLength: 5 },
    ),
  });
