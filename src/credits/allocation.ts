import { type CreditGrant, usable } from './grant';

/** Atoms of one grant. */
export interface Share {
  readonly grantId: string;
  readonly atoms: bigint;
}

/**
 * Which grants bear `atoms`: each as far as it reaches, in the order given. `left` is what none of them can bear.
 * Frozen credit bears nothing.
 */
export function allocate(
  grants: readonly Pick<CreditGrant, 'id' | 'remaining' | 'frozen'>[],
  atoms: bigint,
): { readonly shares: readonly Share[]; readonly left: bigint } {
  const shares: Share[] = [];
  let left = atoms;
  for (const grant of grants) {
    const share = usable(grant) < left ? usable(grant) : left;
    if (share <= 0n) continue;
    shares.push({ grantId: grant.id, atoms: share });
    left -= share;
  }
  return { shares, left };
}

/** The grants without what they bear. */
export function withoutShares(grants: readonly CreditGrant[], shares: readonly Share[]): CreditGrant[] {
  const borne = new Map(shares.map(({ grantId, atoms }) => [grantId, atoms]));
  return grants.map((grant) => ({ ...grant, remaining: grant.remaining - (borne.get(grant.id) ?? 0n) }));
}

export const sumOf = (shares: readonly Share[]): bigint => shares.reduce((sum, { atoms }) => sum + atoms, 0n);
