/** One look at Stripe's balance, with what was listed before it and after it. In nano-USD. */
export interface BalanceLook {
  readonly balance: bigint;
  /** All movements until the first list. */
  readonly listed: bigint;
  /** What only the second list has, in Stripe's order. */
  readonly meanwhile: readonly bigint[];
}

/**
 * What of the balance may come from no movement that was ever listed. Those in between came one by one: the balance has
 * the first of them, up to some moment, and not the others.
 */
export function unlistedIn({ balance, listed, meanwhile }: BalanceLook): ReadonlySet<bigint> {
  let left = balance - listed;
  return new Set([left, ...meanwhile.map((atoms) => (left -= atoms))]);
}

/**
 * What is unlisted by several looks: it is the same in each of them, and nothing wherever it may be nothing.
 * @returns `undefined` while it is not known: what differs once may be a list that was late
 */
export function unlistedBy(looks: readonly BalanceLook[]): bigint | undefined {
  if (looks.some((look) => unlistedIn(look).has(0n))) return 0n;
  const common = commonTo(looks);
  return looks.length > 1 && common.length === 1 ? common[0] : undefined;
}

/** Where looks leave several amounts, the least of them; `undefined` when they contradict each other. */
export const unlistedAtLeast = (looks: readonly BalanceLook[]): bigint | undefined =>
  commonTo(looks).toSorted((a, b) => (size(a) < size(b) ? -1 : 1))[0];

function commonTo(looks: readonly BalanceLook[]): bigint[] {
  const [first, ...others] = looks.map(unlistedIn);
  return [...(first ?? [])].filter((amount) => others.every((amounts) => amounts.has(amount)));
}

const size = (amount: bigint): bigint => (amount < 0n ? -amount : amount);
