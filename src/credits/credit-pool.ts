import { usd } from '../common/money';
import type { LedgerAccount } from '../ledger/ledger-account';
import type { LedgerHold } from '../ledger/ledger.service';
import { type CreditGrant, usable } from './grant';

/** A customer's USD credit, with what was used until now taken off its grants. True while its account is locked. */
export interface CreditPool {
  readonly customerId: string;
  readonly account: LedgerAccount;
  readonly accountId: string;
  /** What was ever debited from the account. */
  readonly debits: bigint;
  /** Of the balance, what is not held; below zero for who uses a credit limit. */
  readonly free: bigint;
  /** What was used and no grant could bear. */
  readonly uncovered: bigint;
  /** Of which something is left, in the order of use. */
  readonly grants: readonly CreditGrant[];
}

/** The grants with these ids of which something is left, in the order of the ids. */
export const named = ({ grants }: CreditPool, ids: readonly string[]): CreditGrant[] =>
  ids.flatMap((id) => grants.filter((grant) => grant.id === id));

/** The hold that grants are frozen by; none when nothing was there to be frozen. */
export function frozenHold({ grants, account }: CreditPool, id: string | undefined): LedgerHold | undefined {
  const frozen = grants.filter(({ frozenBy }) => frozenBy !== null && frozenBy === id);
  if (id === undefined || frozen.length === 0) return undefined;
  return { id, account, amount: usd(frozen.reduce((sum, grant) => sum + grant.frozen, 0n)) };
}

/** The pool once that hold is no more. */
export function thawed(pool: CreditPool, { id, amount }: LedgerHold): CreditPool {
  const grants = pool.grants.map((grant) => (grant.frozenBy === id ? { ...grant, frozen: 0n, frozenBy: null } : grant));
  return { ...pool, grants, free: pool.free + amount.atoms };
}

/** What of a grant no call in flight will use, when these calls hold `held` atoms and each uses credit in its order. */
export function unheldOf(grant: CreditGrant, { grants, free }: CreditPool, held: bigint): bigint {
  const before = grants.slice(
    0,
    grants.findIndex(({ id }) => id === grant.id),
  );
  const wanted = held - before.reduce((sum, each) => sum + usable(each), 0n);
  const unheld = wanted > 0n ? usable(grant) - wanted : usable(grant);
  return unheld < free ? unheld : free;
}

/** What these grants could give at this moment: nothing that is frozen, nor what calls in flight hold. */
export function freeOf({ free }: Pick<CreditPool, 'free'>, grants: readonly CreditGrant[]): bigint {
  const left = grants.reduce((sum, grant) => sum + usable(grant), 0n);
  if (free < 0n) return 0n;
  return left < free ? left : free;
}
