import type { Money } from '../common/money';
import { positive } from './entries';
import type { JournalEntry, Posting } from './journal-entry';
import {
  chainGas,
  chainReceipts,
  conversion,
  customerCredits,
  customerReceivable,
  networkFees,
  revenue,
} from './ledger-account';

/*
 * Movements of money by transfers on a chain; those of payment channels are in `channel-entries.ts`, those of
 * withdrawals in `withdrawal-entries.ts`. Amounts are in USDC unless they say otherwise. Revenue moves only where a
 * call's usage record is written with it.
 */

export interface ChainTransfer {
  /** What identifies the payment for ever: network, asset, payer and nonce. */
  paymentId: string;
  customerId: string;
  network: string;
  payTo: string;
  transaction: string;
  /** In USDC. */
  amount: Money;
}

/** USDC arrived on a chain for a wallet and is its credit until a call takes it. */
export function transferSettled(transfer: ChainTransfer): JournalEntry {
  return {
    key: `transfer:${transfer.paymentId}`,
    kind: 'transfer_settled',
    customerId: transfer.customerId,
    memo: { transaction: transfer.transaction, network: transfer.network },
    postings: [arrival(transfer)],
  };
}

/** USDC arrived for a call that is already answered: the charge is revenue, the rest stays the wallet's credit. */
export function callSettled(transfer: ChainTransfer & { callId: string; charge: Money }): JournalEntry {
  return {
    key: `transfer:${transfer.paymentId}`,
    kind: 'call_settled',
    customerId: transfer.customerId,
    memo: { transaction: transfer.transaction, network: transfer.network, call: transfer.callId },
    postings: [arrival(transfer), ...earned(transfer.customerId, transfer.charge)],
  };
}

/** A transfer that is on the books by the entry of this key, and that a reorganisation took or brought again. */
type MovedTransfer = Omit<ChainTransfer, 'paymentId'> & { entryKey: string };

/** A reorganisation took a transfer after it was booked: the wallet's credit bears it, the rest is owed. */
export function transferReversed(transfer: MovedTransfer): JournalEntry {
  const { customerId, network, payTo, transaction, amount } = transfer;
  return {
    key: `reversed:${transfer.entryKey}`,
    kind: 'transfer_reversed',
    customerId,
    memo: { transaction, network },
    postings: [
      {
        from: customerCredits(customerId, 'USDC'),
        to: chainReceipts(network, payTo),
        amount,
        overflow: customerReceivable(customerId, 'USDC'),
      },
    ],
  };
}

/** A transfer that was reversed is on the chain again, by whichever transaction. */
export function transferSettledAgain(transfer: MovedTransfer): JournalEntry {
  return {
    key: `again:${transfer.entryKey}`,
    kind: 'transfer_settled_again',
    customerId: transfer.customerId,
    memo: { transaction: transfer.transaction, network: transfer.network },
    postings: [arrival(transfer)],
  };
}

/** A transaction of ours burnt gas: the signer's coin is gone, and its value in USD is a cost. */
export function gasSpent(gas: {
  transaction: string;
  network: string;
  signer: string;
  /** In ETH. */
  coin: Money;
  /** The same in USD, at the rate of the day. */
  value: Money;
}): JournalEntry {
  const { transaction, network, signer, coin, value } = gas;
  return {
    key: `gas:${network}:${transaction}`,
    kind: 'gas_spent',
    customerId: null,
    memo: { transaction, network },
    postings: [
      ...positive({ from: conversion('ETH'), to: chainGas(network, signer), amount: coin }),
      ...positive({ from: networkFees(), to: conversion('USD'), amount: value }),
    ],
  };
}

const arrival = (transfer: Omit<ChainTransfer, 'paymentId'>): Posting => ({
  from: chainReceipts(transfer.network, transfer.payTo),
  to: customerCredits(transfer.customerId, 'USDC'),
  amount: transfer.amount,
});

const earned = (customerId: string, charge: Money): Posting[] =>
  positive({ from: customerCredits(customerId, 'USDC'), to: revenue('USDC'), amount: charge });
