import type { Money } from '../../common/money';

/** A payment that its payer's bank has taken back, or asks about. Amounts in USD. */
export interface Dispute {
  /** At Stripe. */
  readonly id: string;
  readonly paymentIntentId: string;
  readonly topUpId: string | null;
  readonly customerId: string | null;
  readonly gross: Money;
  readonly phase: DisputePhase;
  /** In Stripe's words. */
  readonly status: string;
  readonly reason: string;
  /** Until when evidence may be given. */
  readonly dueBy: Date | null;
  /** What was taken when it was lost, and what of that the customer did not have any more. */
  readonly lost: { readonly gross: Money; readonly credit: Money; readonly tax: Money; readonly bonus: Money };
  readonly owed: Money;
  readonly createdAt: Date;
  readonly closedAt: Date | null;
}

export const DISPUTE_PHASES = ['new', 'inquiry', 'open', 'lost', 'closed'] as const;
/**
 * `inquiry`: a bank asks, and no money has moved. `open`: what is left of the payment waits. `lost`: it was taken.
 * `closed`: nothing is taken, or not any more.
 */
export type DisputePhase = (typeof DISPUTE_PHASES)[number];

export type DisputeNews = 'asked' | 'opened' | 'lost' | 'given_up';

/**
 * The events of a dispute arrive in any order and its present state is asked for with each: phases only ever go
 * forward, and what has no line here changes nothing.
 */
const NEXT: Readonly<Record<DisputePhase, Partial<Record<DisputeNews, DisputePhase>>>> = {
  new: { asked: 'inquiry', opened: 'open', lost: 'lost', given_up: 'closed' },
  inquiry: { opened: 'open', lost: 'lost', given_up: 'closed' },
  open: { lost: 'lost', given_up: 'closed' },
  lost: { given_up: 'closed' },
  closed: {},
};

/** The phase after `news`; `undefined` when the news is old. */
export const nextPhase = (phase: DisputePhase, news: DisputeNews): DisputePhase | undefined => NEXT[phase][news];

/**
 * What Stripe's status says; `undefined` for one that we do not know. A dispute is lost when its money is gone: before
 * the withdrawal it is open, and with everything reinstated it is not lost any more.
 * @param withdrawn What of the balance is gone by it, in USD atoms.
 * @param moved Whether anything ever was.
 */
export function disputeNewsOf(status: string, { withdrawn, moved }: { withdrawn: bigint; moved: boolean }) {
  switch (status) {
    case 'warning_needs_response':
    case 'warning_under_review':
      return 'asked';
    case 'needs_response':
    case 'under_review':
      return 'opened';
    case 'lost':
      if (withdrawn > 0n) return 'lost';
      return moved ? 'given_up' : 'opened';
    case 'won':
    case 'warning_closed':
    case 'prevented':
      return 'given_up';
    default:
      return undefined;
  }
}
