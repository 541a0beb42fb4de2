import { idOf, isCount, isRecord, type StripeEvent } from './stripe-event';
import { WebhookUnreadableError } from './topup-error';

/** What a verified webhook says about a top-up, in our words. `undefined` from `newsOf`: nothing that concerns us. */
export type CheckoutNews =
  | {
      readonly kind: 'paid';
      readonly checkout: CheckoutReference;
      readonly payment: ReportedPayment;
      /** A bank has said yes after days, and may have said no since. */
      readonly isDelayed?: true;
    }
  | { readonly kind: 'awaiting_bank' | 'failed' | 'expired'; readonly checkout: CheckoutReference }
  | { readonly kind: 'nothing_paid'; readonly checkout: CheckoutReference }
  | { readonly kind: 'charge_booked'; readonly paymentIntentId: string };

/** Which session, and which of our top-ups it was made for, if it was. */
export interface CheckoutReference {
  /** `null` for a card that was charged without a page. */
  readonly sessionId: string | null;
  readonly topUpId: string | null;
}

/** What Stripe reports, never what we asked for. In the smallest unit of `currency`. */
export interface ReportedPayment {
  /** The payment intent; the session's own id for the rare session that has none. */
  readonly paymentIntentId: string;
  /** ISO 4217 in lower case. */
  readonly currency: string;
  /** With the tax in it. */
  readonly total: number;
  readonly tax: number;
}

/**
 * Reads the types that matter to a top-up (https://docs.stripe.com/checkout/fulfillment). Only `payment_status: paid`
 * is money: `unpaid` waits for a bank, `no_payment_required` paid nothing.
 * @throws WebhookUnreadableError when such an event has not the shape that the API promises.
 */
export function newsOf(event: StripeEvent): CheckoutNews | undefined {
  switch (event.type) {
    case 'checkout.session.completed':
    case 'checkout.session.async_payment_succeeded':
      return completion(event);
    case 'checkout.session.async_payment_failed':
      return { kind: 'failed', checkout: reference(event) };
    case 'checkout.session.expired':
      return { kind: 'expired', checkout: reference(event) };
    case 'charge.updated':
      return bookedCharge(event);
    default:
      return undefined;
  }
}

function completion(event: StripeEvent): CheckoutNews {
  const { object } = event;
  const checkout = reference(event);
  switch (object['payment_status']) {
    case 'unpaid':
      return { kind: 'awaiting_bank', checkout };
    case 'no_payment_required':
      return { kind: 'nothing_paid', checkout };
    case 'paid':
      break;
    default:
      throw unreadable(event, 'payment_status');
  }
  const total = object['amount_total'];
  const details = object['total_details'];
  const tax = isRecord(details) ? (details['amount_tax'] ?? 0) : 0;
  const currency = object['currency'];
  if (!isCount(total)) throw unreadable(event, 'amount_total');
  if (!isCount(tax) || tax > total) throw unreadable(event, 'total_details.amount_tax');
  if (typeof currency !== 'string') throw unreadable(event, 'currency');
  if (total - tax === 0) return { kind: 'nothing_paid', checkout };
  const paymentIntentId = idOf(object['payment_intent']) ?? checkout.sessionId;
  const payment = { paymentIntentId, currency, total, tax };
  const isDelayed = event.type === 'checkout.session.async_payment_succeeded';
  return { kind: 'paid', checkout, payment, ...(isDelayed && { isDelayed }) };
}

/** Since asynchronous capture, the fee is booked after the payment: https://docs.stripe.com/payments/payment-intents/asynchronous-capture */
function bookedCharge({ object }: StripeEvent): CheckoutNews | undefined {
  const paymentIntentId = idOf(object['payment_intent']);
  if (paymentIntentId === undefined || idOf(object['balance_transaction']) === undefined) return undefined;
  return { kind: 'charge_booked', paymentIntentId };
}

function reference(event: StripeEvent): CheckoutReference & { readonly sessionId: string } {
  const { id, metadata } = event.object;
  if (typeof id !== 'string') throw unreadable(event, 'id');
  const topUpId = isRecord(metadata) ? metadata['topup_id'] : undefined;
  return { sessionId: id, topUpId: typeof topUpId === 'string' ? topUpId : null };
}

const unreadable = (event: StripeEvent, field: string) => new WebhookUnreadableError(event.id, event.type, field);
