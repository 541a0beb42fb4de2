import { type Money, usdcToUsdAtPar } from '../common/money';
import type { JournalEntry } from './journal-entry';
import { conversion, customerCredits, customerReceivable, refundsGiven } from './ledger-account';

/*
 * Movements of money by which a payment in USDC comes back to its wallet's credit; from there it leaves as a withdrawal
 * does. In USDC.
 */

/** What a call was charged is the wallet's again. Its revenue stays: what was given back stands beside it. */
export function callRefunded(refund: {
  refundId: string;
  callId: string;
  walletId: string;
  amount: Money;
}): JournalEntry {
  const { refundId, callId, walletId, amount } = refund;
  return {
    key: `usdc-refund:${refundId}`,
    kind: 'call_refunded',
    customerId: walletId,
    memo: { refund: refundId, call: callId },
    postings: [{ from: refundsGiven('USDC'), to: customerCredits(walletId, 'USDC'), amount }],
  };
}

/**
 * What a wallet's USDC brought to a USD balance is the wallet's again. `forced`: what of it the customer does not have
 * any more is owed.
 */
export function usdcTopUpRefunded(refund: {
  refundId: string;
  paymentId: string;
  walletId: string;
  customerId: string;
  amount: Money;
  forced: boolean;
}): JournalEntry {
  const { refundId, paymentId, walletId, customerId, amount, forced } = refund;
  const overflow = forced ? { overflow: customerReceivable(customerId, 'USD') } : {};
  return {
    key: `usdc-refund:${refundId}`,
    kind: 'usdc_topup_refunded',
    customerId,
    memo: { refund: refundId, payment: paymentId, wallet: walletId },
    postings: [
      {
        from: customerCredits(customerId, 'USD'),
        to: conversion('USD'),
        amount: usdcToUsdAtPar(amount),
        ...overflow,
      },
      { from: conversion('USDC'), to: customerCredits(walletId, 'USDC'), amount },
    ],
  };
}
