/** Why a charge is declined: https://docs.stripe.com/declines/codes */
export interface Decline {
  code: 'authentication_required' | 'card_declined' | 'expired_card' | 'incorrect_cvc';
  decline_code: string;
  /** https://docs.stripe.com/declines/card#advice-codes; which decline has which advice is the simulator's guess. */
  advice_code: 'confirm_card_data' | 'do_not_try_again' | 'try_again_later' | null;
  message: string;
}

export interface MagicCard {
  number: string;
  brand: 'amex' | 'mastercard' | 'visa';
  /** Test ids that stand for this card in `payment_method`, as Stripe publishes them. */
  ids: readonly string[];
  decline?: Decline;
  /** Declined already when it is attached to a customer. */
  failsToAttach?: true;
  /** `always`: every payment asks the bank; `unless_saved`: not when the card was set up before. */
  authentication?: 'always' | 'unless_saved';
  /** The money is available at once instead of after two days. */
  immediateFunds?: true;
}

const DECLINED = 'Your card was declined.';
const GENERIC: Decline = {
  code: 'card_declined',
  decline_code: 'generic_decline',
  advice_code: 'try_again_later',
  message: DECLINED,
};

/** What a real card number, or an unknown one, gets in test mode. */
export const NOT_A_TEST_CARD: Decline = {
  code: 'card_declined',
  decline_code: 'test_mode_live_card',
  advice_code: null,
  message:
    'Your card was declined. Your request was in test mode, but used a non test card. Use one of the test cards.',
};

/** What a payment off-session gets when the bank wants the card holder. */
export const AUTHENTICATION_REQUIRED: Decline = {
  code: 'authentication_required',
  decline_code: 'authentication_required',
  advice_code: null,
  message: 'Your card was declined. This transaction requires authentication.',
};

/** https://docs.stripe.com/testing, the cards a top-up meets. Another card is another row. */
export const MAGIC_CARDS: readonly MagicCard[] = [
  { number: '4242424242424242', brand: 'visa', ids: ['pm_card_visa'] },
  { number: '5555555555554444', brand: 'mastercard', ids: ['pm_card_mastercard'] },
  { number: '378282246310005', brand: 'amex', ids: ['pm_card_amex'] },
  { number: '4000000000000077', brand: 'visa', ids: ['pm_card_bypassPending'], immediateFunds: true },
  {
    number: '4000000000000002',
    brand: 'visa',
    ids: ['pm_card_chargeDeclined', 'pm_card_visa_chargeDeclined'],
    decline: GENERIC,
    failsToAttach: true,
  },
  {
    number: '4000000000009995',
    brand: 'visa',
    ids: ['pm_card_chargeDeclinedInsufficientFunds', 'pm_card_visa_chargeDeclinedInsufficientFunds'],
    decline: {
      code: 'card_declined',
      decline_code: 'insufficient_funds',
      advice_code: 'try_again_later',
      message: 'Your card has insufficient funds.',
    },
    failsToAttach: true,
  },
  {
    number: '4000000000000069',
    brand: 'visa',
    ids: ['pm_card_chargeDeclinedExpiredCard', 'pm_card_visa_chargeDeclinedExpiredCard'],
    decline: {
      code: 'expired_card',
      decline_code: 'expired_card',
      advice_code: 'do_not_try_again',
      message: 'Your card has expired.',
    },
    failsToAttach: true,
  },
  {
    number: '4000000000000127',
    brand: 'visa',
    ids: ['pm_card_chargeDeclinedIncorrectCvc', 'pm_card_visa_chargeDeclinedIncorrectCvc'],
    decline: {
      code: 'incorrect_cvc',
      decline_code: 'incorrect_cvc',
      advice_code: 'confirm_card_data',
      message: "Your card's security code is incorrect.",
    },
    failsToAttach: true,
  },
  {
    number: '4000002500003155',
    brand: 'visa',
    ids: ['pm_card_authenticationRequiredOnSetup'],
    authentication: 'unless_saved',
  },
  { number: '4000002760003184', brand: 'visa', ids: ['pm_card_authenticationRequired'], authentication: 'always' },
  // Not one of Stripe's, nor a well-formed number: the short form some notes give for the card above.
  { number: '4000000000003184', brand: 'visa', ids: [], authentication: 'always' },
  {
    number: '4000000000000341',
    brand: 'visa',
    ids: ['pm_card_chargeCustomerFail', 'pm_card_visa_chargeCustomerFail'],
    decline: GENERIC,
  },
];

/** By number or by test id; nothing when it is neither. */
export function findMagicCard(numberOrId: string): MagicCard | undefined {
  return MAGIC_CARDS.find(({ number, ids }) => number === numberOrId || ids.includes(numberOrId));
}

/** The check digit of card numbers (ISO/IEC 7812-1). */
export function passesLuhn(number: string): boolean {
  const sum = number
    .split('')
    .toReversed()
    .reduce((total, digit, index) => {
      const doubled = Number(digit) * (index % 2 === 1 ? 2 : 1);
      return total + (doubled > 9 ? doubled - 9 : doubled);
    }, 0);
  return /^\d{12,19}$/.test(number) && sum % 10 === 0;
}
