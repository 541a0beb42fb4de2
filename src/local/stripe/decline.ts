import type Stripe from 'stripe';
import { StripeFault } from './stripe-fault';

/** Why a charge is declined: https://docs.stripe.com/declines/codes */
export interface Decline {
  code:
    | 'authentication_required'
    | 'card_declined'
    | 'expired_card'
    | 'incorrect_cvc'
    | 'insufficient_funds'
    | 'processing_error';
  decline_code: string;
  /** https://docs.stripe.com/declines/card#advice-codes; which decline has which advice is the simulator's guess. */
  advice_code: 'confirm_card_data' | 'do_not_try_again' | 'try_again_later' | null;
  message: string;
}

const DECLINED = 'Your card was declined.';

/** The declines of https://docs.stripe.com/testing#declined-payments, by their `decline_code`. */
export const DECLINES = {
  generic_decline: declined('generic_decline', 'try_again_later'),
  insufficient_funds: declined('insufficient_funds', 'try_again_later', 'Your card has insufficient funds.'),
  lost_card: declined('lost_card', 'do_not_try_again'),
  stolen_card: declined('stolen_card', 'do_not_try_again'),
  fraudulent: declined('fraudulent', 'do_not_try_again'),
  card_velocity_exceeded: declined(
    'card_velocity_exceeded',
    'try_again_later',
    'Your card was declined for making repeated attempts too frequently or exceeding its amount limit.',
  ),
  expired_card: {
    code: 'expired_card',
    decline_code: 'expired_card',
    advice_code: 'do_not_try_again',
    message: 'Your card has expired.',
  },
  incorrect_cvc: {
    code: 'incorrect_cvc',
    decline_code: 'incorrect_cvc',
    advice_code: 'confirm_card_data',
    message: "Your card's security code is incorrect.",
  },
  processing_error: {
    code: 'processing_error',
    decline_code: 'processing_error',
    advice_code: 'try_again_later',
    message: 'An error occurred while processing your card. Try again in a little bit.',
  },
  /** What a payment off-session gets when the bank wants the card holder. */
  authentication_required: {
    code: 'authentication_required',
    decline_code: 'authentication_required',
    advice_code: null,
    message: 'Your card was declined. This transaction requires authentication.',
  },
  /** What a real card number, or an unknown one, gets in test mode. */
  test_mode_live_card: declined(
    'test_mode_live_card',
    null,
    'Your card was declined. Your request was in test mode, but used a non test card. Use one of the test cards.',
  ),
  /** The bank's late answer to a debit of an account. */
  debit_returned: {
    code: 'insufficient_funds',
    decline_code: 'insufficient_funds',
    advice_code: null,
    message: 'The customer’s bank account has insufficient funds to complete this payment.',
  },
} as const satisfies Record<string, Decline>;

/** 402 with what the bank said. */
export function declineFault(
  decline: Decline,
  more: {
    charge?: string;
    payment_intent?: Stripe.PaymentIntent;
    payment_method?: Stripe.PaymentMethod;
    setup_intent?: Stripe.SetupIntent;
  } = {},
): StripeFault {
  const { code, decline_code, advice_code, message } = decline;
  const advice = advice_code === null ? {} : { advice_code };
  return new StripeFault(402, { type: 'card_error', code, decline_code, ...advice, message, ...more });
}

function declined(decline_code: string, advice_code: Decline['advice_code'], message = DECLINED): Decline {
  return { code: 'card_declined', decline_code, advice_code, message };
}
