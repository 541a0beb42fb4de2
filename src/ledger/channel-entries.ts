import type { Money } from '../common/money';
import { positive } from './entries';
import type { JournalEntry } from './journal-entry';
import { chainPending, chainReceipts, customerCredits, revenue } from './ledger-account';

/* Movements of money by payment channels: a voucher is money on its way, until its channel is settled. In USDC. */

/** A call was answered and is paid by a signed voucher of its payer's channel. */
export function voucherCharged(call: {
  callId: string;
  customerId: string;
  network: string;
  charge: Money;
}): JournalEntry {
  const { callId, customerId, network, charge } = call;
  return {
    key: `call:${callId}`,
    kind: 'voucher_charged',
    customerId,
    memo: { call: callId, network },
    // Through the payer's credit, so that the entry says whose call it was.
    postings: [
      ...positive({ from: chainPending(network), to: customerCredits(customerId, 'USDC'), amount: charge }),
      ...positive({ from: customerCredits(customerId, 'USDC'), to: revenue('USDC'), amount: charge }),
    ],
  };
}

/** A streamed call's ceiling is charged to its payer's channel before the work, and is wallet credit until captured. */
export function voucherPrepaid(call: {
  callId: string;
  customerId: string;
  network: string;
  ceiling: Money;
}): JournalEntry {
  const { callId, customerId, network, ceiling } = call;
  return {
    key: `prepaid:${callId}`,
    kind: 'voucher_prepaid',
    customerId,
    memo: { call: callId, network },
    postings: [{ from: chainPending(network), to: customerCredits(customerId, 'USDC'), amount: ceiling }],
  };
}

/** What channels owed us arrived in one transfer: one entry per `Settled` log. */
export function channelsSettled(settled: {
  transaction: string;
  logIndex: number;
  network: string;
  payTo: string;
  amount: Money;
}): JournalEntry {
  const { transaction, logIndex, network, payTo, amount } = settled;
  return {
    key: `settled:${transaction}:${logIndex}`,
    kind: 'channels_settled',
    customerId: null,
    memo: { transaction, network },
    postings: [{ from: chainReceipts(network, payTo), to: chainPending(network), amount }],
  };
}
