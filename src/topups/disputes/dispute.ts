import type { Money } from '../../common/money';
import type { Part } from '../reversals/reversible-payment';

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

/** What a dispute moved of Stripe's balance, in USD atoms of the payment as it was booked. */
export interface DisputedMoney {
  readonly withdrawn: bigint;
  readonly reinstated: bigint;
}

/**
 * What Stripe's status says; `undefined` for one that we do not know. The money decides with it: a dispute is lost as far
 * as its money is gone, whatever the bank calls it. Before the withdrawal it is open; won, it is until anything comes
 * back; and with everything reinstated nothing is lost.
 */
export function disputeNewsOf(status: string, { withdrawn, reinstated }: DisputedMoney): DisputeNews | undefined {
  const isGone = withdrawn > reinstated;
  switch (status) {
    case 'warning_needs_response':
    case 'warning_under_review':
      return 'asked';
    case 'needs_response':
    case 'under_review':
      return 'opened';
    case 'lost':
      if (isGone) return 'lost';
      return withdrawn > 0n || reinstated > 0n ? 'given_up' : 'opened';
    case 'won':
    case 'warning_closed':
    case 'prevented':
      if (!isGone) return 'given_up';
      return reinstated > 0n ? 'lost' : 'opened';
    default:
      return undefined;
  }
}

/** What was taken for a lost dispute. In USD atoms. */
export interface LostPart extends Part {
  /** Of the credit, what the customer did not have any more. */
  readonly owed: bigint;
}

/**
 * What of a loss comes back when only `gone` of it is gone still: tax and bonus by their share, and what the customer did
 * not have is the first to be forgiven. Parts of any size add up to the whole loss.
 */
export function reinstatedOf(lost: LostPart, gone: bigint): LostPart {
  const still = (whole: bigint): bigint => (lost.gross === 0n ? 0n : (whole * gone) / lost.gross);
  const gross = lost.gross - gone;
  const tax = lost.tax - still(lost.tax);
  const credit = gross - tax;
  return { gross, tax, credit, bonus: lost.bonus - still(lost.bonus), owed: lost.owed < credit ? lost.owed : credit };
}

/** What is lost still after a part of it came back. */
export const lostWithout = (lost: LostPart, back: LostPart): LostPart => ({
  gross: lost.gross - back.gross,
  tax: lost.tax - back.tax,
  credit: lost.credit - back.credit,
  bonus: lost.bonus - back.bonus,
  owed: lost.owed - back.owed,
});
