import { DECLINES, type Decline } from './decline';

export interface MagicCard {
  number: string;
  brand: 'amex' | 'mastercard' | 'visa';
  /** Test ids that stand for this card in `payment_method`, as Stripe publishes them. */
  ids: readonly string[];
  decline?: Decline;
  /** Declined already when it is attached to a customer or set up. */
  failsToAttach?: true;
  /**
   * When the bank asks for the card holder. `always`; `unless_saved`: also off-session, unless the card was set up
   * before; `on_session`: never off-session, as if the card had been set up somewhere before.
   */
  authentication?: 'always' | 'on_session' | 'unless_saved';
  /** The money is available at once instead of after two days. */
  immediateFunds?: true;
  /** What the card holder's bank starts right after the charge. */
  afterwards?: 'dispute' | 'dispute_not_received' | 'early_fraud_warning' | 'inquiry';
  /** `pending`: a refund takes a day to succeed. `fails_later`: it succeeds, and a day later has failed after all. */
  refund?: 'fails_later' | 'pending';
}

/** https://docs.stripe.com/testing, the cards that prepaid credit meets. Another card is another row. */
export const MAGIC_CARDS: readonly MagicCard[] = [
  { number: '4242424242424242', brand: 'visa', ids: ['pm_card_visa'] },
  { number: '5555555555554444', brand: 'mastercard', ids: ['pm_card_mastercard'] },
  { number: '378282246310005', brand: 'amex', ids: ['pm_card_amex'] },
  { number: '4000000000000077', brand: 'visa', ids: ['pm_card_bypassPending'], immediateFunds: true },
  ...[
    refused('4000000000000002', 'chargeDeclined', DECLINES.generic_decline),
    refused('4000000000009995', 'chargeDeclinedInsufficientFunds', DECLINES.insufficient_funds),
    refused('4000000000009987', 'chargeDeclinedLostCard', DECLINES.lost_card),
    refused('4000000000009979', 'chargeDeclinedStolenCard', DECLINES.stolen_card),
    refused('4000000000000069', 'chargeDeclinedExpiredCard', DECLINES.expired_card),
    refused('4000000000000127', 'chargeDeclinedIncorrectCvc', DECLINES.incorrect_cvc),
    refused('4000000000000119', 'chargeDeclinedProcessingError', DECLINES.processing_error),
    refused('4000000000006975', 'chargeDeclinedVelocityLimitExceeded', DECLINES.card_velocity_exceeded),
    refused('4100000000000019', 'chargeDeclinedFraudulent', DECLINES.fraudulent),
  ],
  {
    number: '4000000000000341',
    brand: 'visa',
    ids: ['pm_card_chargeCustomerFail', 'pm_card_visa_chargeCustomerFail'],
    decline: DECLINES.generic_decline,
  },
  card('4000002500003155', 'authenticationRequiredOnSetup', { authentication: 'unless_saved' }),
  card('4000002760003184', 'authenticationRequired', { authentication: 'always' }),
  card('4000003800000446', 'authenticationRequiredSetupForOffSession', { authentication: 'on_session' }),
  card('4000008260003178', 'authenticationRequiredChargeDeclinedInsufficientFunds', {
    authentication: 'always',
    decline: DECLINES.insufficient_funds,
  }),
  // Not one of Stripe's, nor a well-formed number: the short form some notes give for 4000 0027 6000 3184.
  { number: '4000000000003184', brand: 'visa', ids: [], authentication: 'always' },
  card('4000000000000259', 'createDispute', { afterwards: 'dispute' }),
  card('4000000000002685', 'createDisputeProductNotReceived', { afterwards: 'dispute_not_received' }),
  card('4000000000001976', 'createDisputeInquiry', { afterwards: 'inquiry' }),
  card('4000000000005423', 'createIssuerFraudRecord', { afterwards: 'early_fraud_warning' }),
  card('4000000000007726', 'pendingRefund', { refund: 'pending' }),
  card('4000000000005126', 'refundFail', { refund: 'fails_later' }),
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

function card(number: string, id: string, behaviour: Partial<MagicCard>): MagicCard {
  return { number, brand: 'visa', ids: [`pm_card_${id}`, `pm_card_visa_${id}`], ...behaviour };
}

function refused(number: string, id: string, decline: Decline): MagicCard {
  return card(number, id, { decline, failsToAttach: true });
}
