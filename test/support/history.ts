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
  /** What its bank says to that. */
  readonly card: (typeof CARDS)[number];
}

/** Taken; refused; only with the card holder's consent. */
export const CARDS = ['pm_card_visa', 'pm_card_chargeCustomerFail', 'pm_card_authenticationRequired'] as const;

/** First, while all is told and done, what customers and the operator do; then what happens at Stripe. */
export interface Segment {
  readonly rest: readonly RestAction[];
  /** That pass at Stripe, where the daily payout is made. */
  readonly days: number;
  readonly stories: readonly Story[];
  readonly payouts: readonly PayoutStep[];
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
  | { readonly act: 'grant ends'; readonly customer: number; readonly which: number }
  /** It may owe so much from now on. */
  | { readonly act: 'limit'; readonly customer: number; readonly cents: number }
  /** A good one, beside those it has. */
  | { readonly act: 'new card'; readonly customer: number }
  | AskedAction;

/** What somebody asks for through HTTP, and insists on. In trouble that is asked many times, of a server that crashes. */
export type AskedAction =
  | UsdcAction
  | { readonly act: 'gift'; readonly customer: number; readonly cents: number; readonly ends: boolean }
  /** There is one code, and the first customer that redeems it has it. */
  | { readonly act: 'code'; readonly customer: number };

export const isAsked = ({ act }: RestAction): boolean => act === 'gift' || act === 'code' || act.startsWith('usdc ');

/** By a wallet that each customer has, on the chain. */
export type UsdcAction =
  /** Of the customer's balance, or of the wallet's own. */
  | { readonly act: 'usdc top-up'; readonly customer: number; readonly cents: number; readonly own: boolean }
  | { readonly act: 'usdc call'; readonly customer: number }
  | {
      readonly act: 'usdc refund';
      readonly customer: number;
      /** Of nothing: of a first top-up. */
      readonly which: number;
      readonly own: boolean;
      /** 0: all that may go back. */
      readonly percent: number;
      readonly to: 'payer' | 'balance';
      readonly force: boolean;
    };

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

/** Of the money that is at Stripe to our bank. */
export interface PayoutStep {
  readonly payout: 'by hand' | 'on its way' | 'fails' | 'can be tied out';
  readonly which: number;
  /** Of what is available, by hand. */
  readonly percent: number;
}

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
  /** What becomes of the application's next transactions, in turn. */
  readonly crashes: readonly ('none' | 'before the commit' | 'after the commit')[];
  /** One request of the application to Stripe goes wrong, and all that it repeats by itself. */
  readonly stripe: { readonly kind: (typeof FAULTS)[number]; readonly path: string; readonly skip: number } | null;
}

export const FAULTS = ['reset_before', 'reset_after', '500_after', '429'] as const;

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
