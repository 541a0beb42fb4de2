import { minus, type Money, usdcToUsdAtPar } from '../common/money';
import type { JournalEntry, Posting } from './journal-entry';
import {
  conversion,
  customerCredits,
  customerGrant,
  customerReceivable,
  fxDifference,
  type LedgerAccount,
  merchantPayable,
  promoExpense,
  revenue,
  stripeClearing,
  stripeFees,
  suspense,
  taxPayable,
} from './ledger-account';

/*
 * Every movement of money in the product is one pure function, here or in a `*-entries.ts` beside this file (README.md
 * says what is where). `from` is debited, `to` is credited.
 */

/**
 * A card payment arrived: gross to Stripe clearing, its fee off it, the customer's credit, and what we give beside it.
 * In USD.
 */
export function topUpReceived(
  topUp: CardPayment & { topUpId: string; customerId: string; bonus?: Money },
): JournalEntry {
  const { bonus } = topUp;
  const credits = customerCredits(topUp.customerId, 'USD');
  return {
    key: `topup:${topUp.topUpId}`,
    kind: 'topup_received',
    customerId: topUp.customerId,
    memo: { topUp: topUp.topUpId, paymentIntent: topUp.paymentIntentId },
    postings: [
      ...cardPayment(topUp, credits),
      ...(bonus === undefined ? [] : positive({ from: promoExpense(), to: credits, amount: bonus })),
    ],
  };
}

/** A top-up was paid once more by another payment: further credit, keyed by that payment. In USD. */
export function extraPaymentReceived(payment: CardPayment & { topUpId: string; customerId: string }): JournalEntry {
  return {
    key: `payment:${payment.paymentIntentId}`,
    kind: 'extra_payment_received',
    customerId: payment.customerId,
    memo: { topUp: payment.topUpId, paymentIntent: payment.paymentIntentId },
    postings: cardPayment(payment, customerCredits(payment.customerId, 'USD')),
  };
}

/** A card payment that belongs to no top-up of ours waits in suspense until a person says whose it is. In USD. */
export function unknownPaymentReceived(payment: CardPayment & { sessionId: string }): JournalEntry {
  return {
    key: `payment:${payment.paymentIntentId}`,
    kind: 'unknown_payment_received',
    customerId: null,
    memo: { checkoutSession: payment.sessionId, paymentIntent: payment.paymentIntentId },
    postings: cardPayment(payment, suspense('USD')),
  };
}

/** Stripe's fee became known after its payment was already on the books. In USD. */
export function stripeFeeCharged(charge: {
  paymentIntentId: string;
  customerId: string | null;
  fee: Money;
}): JournalEntry {
  return {
    key: `stripe-fee:${charge.paymentIntentId}`,
    kind: 'stripe_fee_charged',
    customerId: charge.customerId,
    memo: { paymentIntent: charge.paymentIntentId },
    postings: positive({ from: stripeFees(), to: stripeClearing(), amount: charge.fee }),
  };
}

/** Stripe's rate made more (`gained` positive) or less of a payment in another currency than it was credited at. In USD. */
export function exchangeDiffered(payment: {
  paymentIntentId: string;
  customerId: string;
  gained: Money;
}): JournalEntry {
  const { paymentIntentId, customerId, gained } = payment;
  const [from, to] = gained.atoms > 0n ? [stripeClearing(), fxDifference()] : [fxDifference(), stripeClearing()];
  const amount = { ...gained, atoms: gained.atoms > 0n ? gained.atoms : -gained.atoms };
  return {
    key: `fx:${paymentIntentId}`,
    kind: 'fx_difference',
    customerId,
    memo: { paymentIntent: paymentIntentId },
    postings: positive({ from, to, amount }),
  };
}

/**
 * A call was answered and is taken from prepaid credit; what the balance cannot bear becomes the customer's debt.
 * @param call.shares Who bears what of the charge, in order: a grant for some models, or (`null`) the customer's
 *   credit. Left out: all of it is the customer's credit.
 */
export function callCaptured(call: {
  callId: string;
  customerId: string;
  charge: Money;
  shares?: readonly { readonly grantId: string | null; readonly atoms: bigint }[];
}): JournalEntry {
  const { callId, customerId, charge } = call;
  const { asset } = charge;
  const credits = customerCredits(customerId, asset);
  const overflow = customerReceivable(customerId, asset);
  const shares = call.shares ?? [{ grantId: null, atoms: charge.atoms }];
  return {
    key: `call:${callId}`,
    kind: 'call_captured',
    customerId,
    memo: { call: callId },
    postings: shares.flatMap(({ grantId, atoms }) => {
      const from = grantId === null ? { from: credits, overflow } : { from: customerGrant(customerId, grantId) };
      return positive({ ...from, to: revenue(asset), amount: { asset, atoms } });
    }),
  };
}

/** A customer's debt is repaid from credit that has arrived since. */
export function receivableRepaid(repayment: { customerId: string; amount: Money; because: string }): JournalEntry {
  const { asset } = repayment.amount;
  return {
    key: `receivable:${repayment.because}`,
    kind: 'receivable_repaid',
    customerId: repayment.customerId,
    postings: positive({
      from: customerCredits(repayment.customerId, asset),
      to: customerReceivable(repayment.customerId, asset),
      amount: repayment.amount,
    }),
  };
}

/** A wallet's USDC credit tops up a USD balance, converted at par: the two assets never meet in one posting. */
export function usdcTopUpConverted(topUp: {
  topUpId: string;
  walletId: string;
  customerId: string;
  /** In USDC. */
  amount: Money;
}): JournalEntry {
  const { topUpId, walletId, customerId, amount } = topUp;
  return {
    key: `topup:${topUpId}`,
    kind: 'usdc_topup_converted',
    customerId,
    memo: { topUp: topUpId, wallet: walletId },
    postings: [
      { from: customerCredits(walletId, 'USDC'), to: conversion('USDC'), amount },
      { from: conversion('USD'), to: customerCredits(customerId, 'USD'), amount: usdcToUsdAtPar(amount) },
    ],
  };
}

/** A foreign resource server settled a commitment on one of our customers' credit: we owe it the charge. In USD. */
export function commitmentSettled(commitment: {
  jti: string;
  serverId: string;
  customerId: string;
  charge: Money;
}): JournalEntry {
  const { jti, serverId, customerId, charge } = commitment;
  return {
    key: `commitment:${jti}`,
    kind: 'commitment_settled',
    customerId,
    memo: { commitment: jti, server: serverId },
    postings: positive({ from: customerCredits(customerId, 'USD'), to: merchantPayable(serverId), amount: charge }),
  };
}

/**
 * An entry was wrong: what it moved goes back, last line first, by a new entry that names it. Only for entries that no
 * call and no top-up tells of: those are corrected by a refund, which has a document of its own.
 */
export function entryCorrected(correction: {
  entryId: bigint;
  customerId: string | null;
  postings: readonly Posting[];
  reason: string;
  effectiveAt?: Date | undefined;
}): JournalEntry {
  const { entryId, customerId, postings, reason, effectiveAt } = correction;
  return {
    key: `correction:${entryId}`,
    kind: 'entry_corrected',
    customerId,
    memo: { reason },
    corrects: entryId,
    postings: postings.toReversed().map(({ from, to, amount }) => ({ from: to, to: from, amount })),
    ...(effectiveAt === undefined ? {} : { effectiveAt }),
  };
}

/** Kinds of entries that may be corrected. */
export const CORRECTABLE: readonly string[] = [
  'unknown_payment_received',
  'stripe_fee_charged',
  'discrepancy_resolved',
  'entry_corrected',
];

/** What Stripe took from a card and keeps for us until it is paid out. All in USD. */
export interface CardPayment {
  paymentIntentId: string;
  /** All that was paid, with the tax in it. */
  gross: Money;
  /** The part of `gross` that is the tax office's; left out for none. */
  tax?: Money;
  /** What Stripe keeps of `gross`; zero while it is not known. */
  fee: Money;
}

const cardPayment = ({ gross, tax, fee }: CardPayment, to: LedgerAccount): Posting[] => [
  ...positive({ from: stripeClearing(), to, amount: tax === undefined ? gross : minus(gross, tax) }),
  ...(tax === undefined ? [] : positive({ from: stripeClearing(), to: taxPayable(), amount: tax })),
  ...positive({ from: stripeFees(), to: stripeClearing(), amount: fee }),
];

/** A movement of nothing is no posting. */
export const positive = (posting: Posting): Posting[] => (posting.amount.atoms > 0n ? [posting] : []);
