import { prefixedId } from '../common/id';
import type { Money } from '../common/money';
import { customerCredits, customerGrant, type LedgerAccount } from '../ledger/ledger-account';

/** `paid`: the customer's money, a liability until it is used. `promo`: given by us, never money. */
export type GrantClass = 'paid' | 'promo';

/** What gave it. With its id it is given once. */
export type GrantOrigin = 'topup' | 'extra' | 'bonus' | 'usdc' | 'code' | 'manual' | 'suspense' | 'correction';

/** Credit that a customer received at once: what is left of it, until when, and whose turn it is. In nano-USD. */
export interface CreditGrant {
  readonly id: string;
  readonly customerId: string;
  readonly class: GrantClass;
  readonly origin: GrantOrigin;
  readonly originId: string;
  /** Which models it pays for; `null` for all. */
  readonly models: readonly string[] | null;
  /** Lower is used first. */
  readonly priority: number;
  readonly atoms: bigint;
  /** Not used yet, as of the account's checkpoint; `frozen` is a part of it. */
  readonly remaining: bigint;
  /** Behind a hold until a dispute is decided: it pays for nothing. */
  readonly frozen: bigint;
  readonly frozenBy: string | null;
  readonly expiresAt: Date | null;
  readonly createdAt: Date;
}

/** A grant that an entry brings. */
export interface NewGrant {
  /** A `newGrantId()`, for an entry that must name the grant's own account; made when it is left out. */
  readonly id?: string;
  readonly class: GrantClass;
  readonly origin: GrantOrigin;
  readonly originId: string;
  /** In USD; what the entry credits for it. */
  readonly amount: Money;
  /** 40 for promotional credit, 50 for paid, when left out: what was given is used before what was paid. */
  readonly priority?: number;
  readonly expiresAt?: Date | null;
  /** Which models it pays for: the entry then credits the grant's own account. `null`, or left out, for all. */
  readonly models?: readonly string[] | null;
}

const PRIORITIES: Readonly<Record<GrantClass, number>> = { promo: 40, paid: 50 };

export const newGrantId = (): string => prefixedId('grt');

/** Where its credit is: in the customer's pool, or apart because it pays for some models only. */
export const accountOf = ({
  id,
  customerId,
  models,
}: Pick<CreditGrant, 'id' | 'customerId' | 'models'>): LedgerAccount =>
  models === null ? customerCredits(customerId, 'USD') : customerGrant(customerId, id);

export const priorityOf = (grant: NewGrant): number => grant.priority ?? PRIORITIES[grant.class];

/**
 * Whose turn is first: priority, then what expires sooner, then what is older. The ids decide between grants of one
 * instant, so that the order is the same for everybody.
 */
export function inOrderOfUse<Grant extends Turn>(grants: readonly Grant[]): Grant[] {
  const NEVER = Number.POSITIVE_INFINITY;
  return grants.toSorted(
    (a, b) =>
      a.priority - b.priority ||
      compare(a.expiresAt?.getTime() ?? NEVER, b.expiresAt?.getTime() ?? NEVER) ||
      a.createdAt.getTime() - b.createdAt.getTime() ||
      compare(a.id, b.id),
  );
}

/** What decides whose turn it is. */
type Turn = Pick<CreditGrant, 'id' | 'priority' | 'expiresAt' | 'createdAt'>;

/** How long credit lives that comes back, or is let go, after it has ended. */
export const DAYS_AFTER_RETURN = 30;

/** What of it may still be used. */
export const usable = (grant: Pick<CreditGrant, 'remaining' | 'frozen'>): bigint => grant.remaining - grant.frozen;

const compare = <Value extends number | string>(a: Value, b: Value): number => (a === b ? 0 : a < b ? -1 : 1);
