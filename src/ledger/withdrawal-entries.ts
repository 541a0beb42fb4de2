import { type Money, usdcToUsdAtPar } from '../common/money';
import { positive } from './entries';
import type { JournalEntry } from './journal-entry';
import { chainPending, chainReceipts, conversion, customerCredits, networkFees } from './ledger-account';

/* Movements of money by which a wallet takes its credit back to the chain. In USDC. */

export interface Withdrawal {
  withdrawalId: string;
  customerId: string;
  network: string;
  payTo: string;
  /** What the wallet gets. */
  amount: Money;
  /** What the wallet bears of the gas. */
  fee: Money;
}

/** A wallet takes its credit back: the amount is on its way, the fee recovers gas and is never revenue. */
export function withdrawalSent(withdrawal: Omit<Withdrawal, 'payTo'>): JournalEntry {
  const { withdrawalId, customerId, network, amount, fee } = withdrawal;
  const credits = customerCredits(customerId, 'USDC');
  return {
    key: `withdrawal:${withdrawalId}`,
    kind: 'withdrawal_sent',
    customerId,
    memo: { withdrawal: withdrawalId, network },
    postings: [
      { from: credits, to: chainPending(network), amount },
      ...positive({ from: credits, to: conversion('USDC'), amount: fee }),
      ...positive({ from: conversion('USD'), to: networkFees(), amount: usdcToUsdAtPar(fee) }),
    ],
  };
}

/** A withdrawal is mined: the USDC has left `payTo`. */
export function withdrawalLanded(withdrawal: Omit<Withdrawal, 'fee'> & { transaction: string }): JournalEntry {
  const { withdrawalId, customerId, network, payTo, amount, transaction } = withdrawal;
  return {
    key: `withdrawal-landed:${withdrawalId}`,
    kind: 'withdrawal_landed',
    customerId,
    memo: { withdrawal: withdrawalId, transaction, network },
    postings: [{ from: chainPending(network), to: chainReceipts(network, payTo), amount }],
  };
}

/** A withdrawal can never be mined: the wallet gets it back. `fee` is what it gets back of the fee: none if gas was burnt. */
export function withdrawalFailed(withdrawal: Omit<Withdrawal, 'payTo'>): JournalEntry {
  const { withdrawalId, customerId, network, amount, fee } = withdrawal;
  const credits = customerCredits(customerId, 'USDC');
  return {
    key: `withdrawal-failed:${withdrawalId}`,
    kind: 'withdrawal_failed',
    customerId,
    memo: { withdrawal: withdrawalId, network },
    postings: [
      { from: chainPending(network), to: credits, amount },
      ...positive({ from: conversion('USDC'), to: credits, amount: fee }),
      ...positive({ from: networkFees(), to: conversion('USD'), amount: usdcToUsdAtPar(fee) }),
    ],
  };
}
