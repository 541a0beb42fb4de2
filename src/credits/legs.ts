import { type CreditGrant, inOrderOfUse, usable } from './grant';

/** What one source gives to a call, in nano-USD: a grant with models of its own, or (`null`) the customer's pool. */
export interface Leg {
  readonly grantId: string | null;
  readonly atoms: bigint;
}

/** A place where credit is, as nobody else can change it now. */
export interface Source {
  /** In the order of use. */
  readonly grants: readonly CreditGrant[];
  /** Of the balance, what is not held. */
  readonly free: bigint;
}

/** A call is held in at most so many parts beside the pool's. */
const MOST_SCOPED = 3;

/**
 * Which source gives what to a call that wants `wanted`, in the order in which they are charged. A grant for some models
 * comes before the pool when its turn is before that of the pool's next grant; that is decided once for a call. What no
 * grant reaches is the pool's, which has it or refuses it.
 * @param scoped Each with one grant, which pays for the call's model.
 */
export function legsFor(wanted: bigint, scoped: readonly Source[], pool: Source): Leg[] {
  const free = new Map(scoped.flatMap((source) => source.grants.map(({ id }) => [id, source.free] as const)));
  const next = pool.grants.find((grant) => usable(grant) > 0n);
  const order = inOrderOfUse([...scoped.flatMap(({ grants }) => grants), ...(next ? [next] : [])]);
  const turn = next ? order.indexOf(next) : order.length;
  let left = wanted;
  const give = (most: bigint): bigint => {
    const atoms = most < left ? most : left;
    if (atoms <= 0n) return 0n;
    left -= atoms;
    return atoms;
  };
  const legs = (grants: readonly CreditGrant[], most: number): Leg[] =>
    grants
      .filter(({ id }) => (free.get(id) ?? 0n) > 0n)
      .slice(0, most)
      .map(({ id }) => ({ grantId: id, atoms: give(free.get(id) ?? 0n) }))
      .filter(({ atoms }) => atoms > 0n);
  const before = legs(order.slice(0, turn), MOST_SCOPED);
  const pooled = give(pool.free);
  const after = legs(order.slice(turn + 1), MOST_SCOPED - before.length);
  return [...before, { grantId: null, atoms: pooled + left }, ...after];
}

/** What each leg bears of `charge`, each as far as it reaches; what is beyond all of them is the pool's. */
export function chargedTo(legs: readonly Leg[], charge: bigint): Leg[] {
  let left = charge;
  const borne = legs.map(({ grantId, atoms }) => {
    const share = atoms < left ? atoms : left;
    left -= share;
    return { grantId, atoms: share };
  });
  return borne.map((leg) => (leg.grantId === null ? { ...leg, atoms: leg.atoms + left } : leg));
}
