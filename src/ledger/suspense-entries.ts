import { type Money, usdcToUsdAtPar } from '../common/money';
import type { JournalEntry } from './journal-entry';
import { chainReceipts, conversion, customerCredits, suspense } from './ledger-account';

/* Movements of money whose owner is not known, or was not known at first. */

/** A transfer on a chain to an address of ours, by its log: unique for ever. */
export interface ReceivedTransfer {
  network: string;
  transaction: string;
  logIndex: number;
  /** Ours. */
  address: string;
  /** In USDC. */
  amount: Money;
}

/** USDC arrived, and nothing tells what for: it waits in suspense until a proof or a person says whose it is. */
export function unknownTransferReceived(transfer: ReceivedTransfer & { from: string }): JournalEntry {
  const { network, transaction, address, from, amount } = transfer;
  return {
    key: `transfer:${logOf(transfer)}`,
    kind: 'unknown_transfer_received',
    customerId: null,
    memo: { transaction, network, from },
    postings: [{ from: chainReceipts(network, address), to: suspense('USDC'), amount }],
  };
}

/** What waited in suspense has an owner by an entry of its own: the first booking of it is taken back. */
export function unknownTransferRecognised(transfer: ReceivedTransfer & { entryId: bigint }): JournalEntry {
  const { network, transaction, address, amount, entryId } = transfer;
  return {
    key: `recognised:${logOf(transfer)}:${entryId}`,
    kind: 'unknown_transfer_recognised',
    customerId: null,
    memo: { transaction, network },
    corrects: entryId,
    postings: [{ from: suspense('USDC'), to: chainReceipts(network, address), amount }],
  };
}

/** USDC went from one address of ours to another one. */
export function ownTransferMoved(transfer: ReceivedTransfer & { from: string }): JournalEntry {
  const { network, transaction, address, from, amount } = transfer;
  return {
    key: `moved:${logOf(transfer)}`,
    kind: 'own_transfer_moved',
    customerId: null,
    memo: { transaction, network },
    postings: [{ from: chainReceipts(network, address), to: chainReceipts(network, from), amount }],
  };
}

/** An operator has said whose money in suspense it is. */
interface Attribution {
  /** What it waited under: `<network>:<transaction>:<log index>`, or a payment intent. */
  ref: string;
  customerId: string;
  /** In the asset of the suspense that it waits in. */
  amount: Money;
  reason: string;
}

/** It becomes the customer's credit, in its own asset. */
export const suspenseAttributed = (attribution: Attribution): JournalEntry => ({
  ...attributed(attribution),
  postings: [
    {
      from: suspense(attribution.amount.asset),
      to: customerCredits(attribution.customerId, attribution.amount.asset),
      amount: attribution.amount,
    },
  ],
});

/** USDC becomes a customer's USD credit, converted at par as a top-up is. */
export const suspenseConverted = (attribution: Attribution): JournalEntry => ({
  ...attributed(attribution),
  postings: [
    { from: suspense('USDC'), to: conversion('USDC'), amount: attribution.amount },
    {
      from: conversion('USD'),
      to: customerCredits(attribution.customerId, 'USD'),
      amount: usdcToUsdAtPar(attribution.amount),
    },
  ],
});

const attributed = ({ ref, customerId, reason }: Attribution): Omit<JournalEntry, 'postings'> => ({
  key: `suspense:${ref}`,
  kind: 'suspense_attributed',
  customerId,
  memo: { suspended: ref, reason },
});

const logOf = ({ network, transaction, logIndex }: ReceivedTransfer): string => `${network}:${transaction}:${logIndex}`;
