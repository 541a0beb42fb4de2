import type { Money } from '../common/money';
import type { JournalEntry } from './journal-entry';
import { chainReceipts, suspense } from './ledger-account';

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

const logOf = ({ network, transaction, logIndex }: ReceivedTransfer): string => `${network}:${transaction}:${logIndex}`;
