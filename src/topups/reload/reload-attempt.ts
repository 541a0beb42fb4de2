import type { Money } from '../../common/money';
import type { ReportedPayment } from '../checkout-event';
import type { StripeTransaction } from '../stripe-transaction';
import type { Decline } from './decline';

/** One time that a card was to be charged without its holder. Its money is that of its top-up. */
export interface ReloadAttempt {
  readonly id: string;
  readonly customerId: string;
  readonly topUpId: string;
  /** In USD. */
  readonly amount: Money;
  readonly state: ReloadState;
  readonly reason: string | null;
  readonly declineCode: string | null;
  readonly adviceCode: string | null;
  readonly paymentIntentId: string | null;
  /** Where the customer can pay it itself, while it needs to. */
  readonly url: string | null;
  readonly createdAt: Date;
  readonly finishedAt: Date | null;
}

export const RELOAD_STATES = [
  'planned',
  'charging',
  'in_doubt',
  'processing',
  'needs_authentication',
  'succeeded',
  'failed',
] as const;
/** `in_doubt`: Stripe was asked and has not answered. `processing`: a bank is moving the money. */
export type ReloadState = (typeof RELOAD_STATES)[number];

/** What became of a charge, as Stripe's present state of the payment intent says it. */
export type ReloadOutcome =
  | { readonly kind: 'succeeded'; readonly payment: ReportedPayment; readonly movement: StripeTransaction | undefined }
  | { readonly kind: 'processing'; readonly paymentIntentId: string }
  | {
      readonly kind: 'needs_authentication';
      readonly paymentIntentId: string;
      readonly sessionId: string;
      readonly url: string;
    }
  | ({ readonly kind: 'declined'; readonly paymentIntentId: string | null } & Decline)
  | { readonly kind: 'no_card' }
  /** Before the card was charged its reason went away: Stripe was not asked, or has nothing of it. */
  | { readonly kind: 'not_wanted' }
  | { readonly kind: 'never_reached' }
  | { readonly kind: 'link_expired' }
  /** Its holder paid on the page by something that its bank refused days later. */
  | { readonly kind: 'page_payment_failed' }
  /** Its top-up has been paid and booked: on the page that its holder was sent to, or found by its charge. */
  | { readonly kind: 'booked' };

type News = ReloadOutcome['kind'] | 'asked' | 'unanswered';

const OPEN: Partial<Record<News, ReloadState>> = {
  asked: 'charging',
  unanswered: 'in_doubt',
  succeeded: 'succeeded',
  booked: 'succeeded',
  processing: 'processing',
  needs_authentication: 'needs_authentication',
  declined: 'failed',
  no_card: 'failed',
  not_wanted: 'failed',
  never_reached: 'failed',
};

/** What has no line changes nothing: news may be old. Only money always counts, also for what was thought to be over. */
const NEXT: Readonly<Record<ReloadState, Partial<Record<News, ReloadState>>>> = {
  planned: OPEN,
  charging: OPEN,
  in_doubt: { ...OPEN, asked: 'in_doubt' },
  processing: { succeeded: 'succeeded', booked: 'succeeded', declined: 'failed' },
  needs_authentication: {
    succeeded: 'succeeded',
    booked: 'succeeded',
    link_expired: 'failed',
    page_payment_failed: 'failed',
  },
  succeeded: {},
  failed: { succeeded: 'succeeded', booked: 'succeeded' },
};

/** The state after `news`; `undefined` when the news is old. */
export const nextReloadState = (state: ReloadState, news: News): ReloadState | undefined => NEXT[state][news];

/** At most one of a customer's attempts is in one of these; the database makes sure of it, too. */
export const PENDING: readonly ReloadState[] = RELOAD_STATES.filter(
  (state) => state !== 'succeeded' && state !== 'failed',
);
