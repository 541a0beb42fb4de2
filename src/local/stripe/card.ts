import type Stripe from 'stripe';
import { DECLINES, type Decline } from './decline';
import { newId } from './ids';
import { type MagicCard, findMagicCard, passesLuhn } from './magic-cards';
import { type Simulation } from './simulation';
import { StripeFault } from './stripe-fault';

/** A card as a person types it; the year has four digits. */
export interface CardInput {
  number: string;
  expMonth: number;
  expYear: number;
  cvc: string | null;
}

/** The payment method of an id; a published test id (`pm_card_visa`) makes a new one each time, as at Stripe. */
export function findPaymentMethod(sim: Simulation, id: string): Stripe.PaymentMethod | undefined {
  const magic = findMagicCard(id);
  if (magic === undefined) return sim.store.get('payment_methods', id);
  return newCard(sim, validCard(sim, magic.number));
}

/** A card of this number that is good until the end of next year. */
export function validCard(sim: Simulation, number: string): CardInput {
  return { number, expMonth: 12, expYear: new Date(sim.now() * 1000).getUTCFullYear() + 1, cvc: '123' };
}

/** How the card behind a payment method behaves now; a number nobody published is declined as "not a test card". */
export function cardBehaviour(sim: Simulation, method: Stripe.PaymentMethod): Partial<MagicCard> {
  const number = sim.store.get('card_secrets', method.id)?.number ?? '';
  const behaviour = findMagicCard(number) ?? { decline: DECLINES.test_mode_live_card };
  const expired = method.card !== undefined && monthsLeft(sim, method.card.exp_month, method.card.exp_year) < 0;
  return expired ? { ...behaviour, decline: DECLINES.expired_card } : behaviour;
}

/** What the bank says to a card holder or to their absence: nothing, "ask them first", or a decline. */
export function bankAnswer(
  sim: Simulation,
  method: Stripe.PaymentMethod,
  situation: { offSession: boolean; authenticated: boolean },
): 'authenticate' | Decline | undefined {
  const { authentication, decline } = cardBehaviour(sim, method);
  const { offSession, authenticated } = situation;
  const setUp = sim.store.get('card_secrets', method.id)?.setUp === true;
  const asks =
    authentication === 'always' ||
    (authentication === 'on_session' && !offSession) ||
    (authentication === 'unless_saved' && !(offSession && setUp));
  if (!asks || authenticated) return decline;
  return offSession ? DECLINES.authentication_required : 'authenticate';
}

/** The card holder agreed to payments without them. */
export function markSetUp(sim: Simulation, method: Stripe.PaymentMethod): void {
  const secret = sim.store.get('card_secrets', method.id);
  if (secret !== undefined) sim.store.put('card_secrets', { ...secret, setUp: true });
}

/** The months that a card has left; below zero when it has expired. */
function monthsLeft(sim: Simulation, month: number, year: number): number {
  const today = new Date(sim.now() * 1000);
  return (year - today.getUTCFullYear()) * 12 + month - (today.getUTCMonth() + 1);
}

/** Throws 402 (`card_error`) for a card that cannot exist: wrong check digit, past its date, no security code. */
export function newCard(sim: Simulation, card: CardInput): Stripe.PaymentMethod {
  const { number, expMonth, expYear, cvc } = card;
  const magic = findMagicCard(number);
  if (magic === undefined && !passesLuhn(number)) throw cardFault('incorrect_number', 'Your card number is incorrect.');
  if (!(expMonth >= 1 && expMonth <= 12))
    throw cardFault('invalid_expiry_month', "Your card's expiration month is invalid.");
  if (!(monthsLeft(sim, expMonth, expYear) >= 0))
    throw cardFault('invalid_expiry_year', "Your card's expiration year is invalid.");
  if (cvc !== null && !/^\d{3,4}$/.test(cvc)) throw cardFault('invalid_cvc', "Your card's security code is invalid.");
  const method = blankMethod(sim, 'card');
  method.card = {
    brand: magic?.brand ?? 'visa',
    checks: {
      address_line1_check: null,
      address_postal_code_check: null,
      cvc_check: cvc === null ? null : 'unchecked',
    },
    country: 'US',
    display_brand: magic?.brand ?? 'visa',
    exp_month: expMonth,
    exp_year: expYear,
    fingerprint: fingerprintOf(number),
    funding: 'credit',
    generated_from: null,
    last4: number.slice(-4),
    networks: { available: [magic?.brand ?? 'visa'], preferred: null },
    regulated_status: 'unregulated',
    three_d_secure_usage: { supported: true },
    wallet: null,
  };
  sim.store.put('card_secrets', { id: method.id, number, setUp: false });
  return sim.store.put('payment_methods', method);
}

/** The bank account behind "pay later": a debit that takes days to succeed or fail. */
export function newBankAccount(sim: Simulation): Stripe.PaymentMethod {
  const method = blankMethod(sim, 'us_bank_account');
  method.us_bank_account = {
    account_holder_type: 'individual',
    account_type: 'checking',
    bank_name: 'STRIPE TEST BANK',
    financial_connections_account: null,
    fingerprint: fingerprintOf('000123456789'),
    last4: '6789',
    networks: null,
    routing_number: '110000000',
    status_details: null,
  };
  return sim.store.put('payment_methods', method);
}

function blankMethod(sim: Simulation, type: Stripe.PaymentMethod.Type): Stripe.PaymentMethod {
  return {
    id: newId('pm'),
    object: 'payment_method',
    allow_redisplay: 'unspecified',
    billing_details: { address: null, email: null, name: null, phone: null, tax_id: null },
    created: sim.now(),
    customer: null,
    customer_account: null,
    livemode: false,
    metadata: {},
    type,
  };
}

/** The same number has the same fingerprint, in Stripe's length. */
function fingerprintOf(number: string): string {
  return Buffer.from(`${number.slice(-12)}simulator`)
    .toString('base64url')
    .slice(0, 16);
}

function cardFault(code: string, message: string): StripeFault {
  return new StripeFault(402, { type: 'card_error', code, message });
}
