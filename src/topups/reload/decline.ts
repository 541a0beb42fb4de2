/** Why a card was not charged, as Stripe says it: https://docs.stripe.com/declines/codes */
export interface Decline {
  /** Of the bank, such as `insufficient_funds`; of Stripe where the bank says nothing. */
  readonly declineCode: string;
  /** What Stripe advises: https://docs.stripe.com/declines/codes#retrying-issuer-declines */
  readonly adviceCode: string | null;
}

/** Banks say of these that no later try will do: https://docs.stripe.com/declines/codes */
const HARD: ReadonlySet<string> = new Set([
  'expired_card',
  'fraudulent',
  'incorrect_number',
  'invalid_account',
  'invalid_cvc',
  'incorrect_cvc',
  'lost_card',
  'merchant_blacklist',
  'new_account_information_available',
  'pickup_card',
  'restricted_card',
  'revocation_of_all_authorizations',
  'revocation_of_authorization',
  'stolen_card',
  'stop_payment_order',
]);

/**
 * `hard`: this card will never pay, only another one will. `soft`: it may pay later. Stripe's advice decides where it
 * gives one; what nobody knows is soft, and the circuit breaker bounds it.
 */
export function declineClass({ declineCode, adviceCode }: Decline): 'hard' | 'soft' {
  if (adviceCode === 'do_not_try_again' || adviceCode === 'confirm_card_data') return 'hard';
  if (adviceCode === 'try_again_later') return 'soft';
  return HARD.has(declineCode) ? 'hard' : 'soft';
}
