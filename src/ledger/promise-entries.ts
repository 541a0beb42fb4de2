import type { ChainTransfer } from './chain-entries';
import type { Money } from '../common/money';
import { positive } from './entries';
import type { JournalEntry } from './journal-entry';
import { chainReceipts, customerCredits, customerPromised, customerReceivable, revenue } from './ledger-account';

/*
 * Movements of money by calls that are answered before their transfer is mined: the charge is earned against the payer's
 * promise. Only the charge: what the transfer brings beyond it is credit when it has come. In USDC.
 */

/** A call is answered on a claimed payment whose transfer is still to come. */
export function callPromised(call: {
  paymentId: string;
  callId: string;
  customerId: string;
  network: string;
  charge: Money;
}): JournalEntry {
  const { paymentId, callId, customerId, network, charge } = call;
  return {
    key: `promise:${paymentId}`,
    kind: 'call_promised',
    customerId,
    memo: { network, call: callId },
    postings: positive({ from: customerPromised(customerId), to: revenue('USDC'), amount: charge }),
  };
}

/** The transfer behind `callPromised` is mined. Its key is a transfer's: a payment arrives once, promised or not. */
export function promiseKept(transfer: ChainTransfer & { charge: Money }): JournalEntry {
  const { paymentId, customerId, network, payTo, transaction, amount, charge } = transfer;
  const arrived = chainReceipts(network, payTo);
  const rest: Money = { asset: amount.asset, atoms: amount.atoms - charge.atoms };
  return {
    key: `transfer:${paymentId}`,
    kind: 'promise_kept',
    customerId,
    memo: { transaction, network },
    postings: [
      ...positive({ from: arrived, to: customerPromised(customerId), amount: charge }),
      ...positive({ from: arrived, to: customerCredits(customerId, 'USDC'), amount: rest }),
    ],
  };
}

/** The transfer behind `callPromised` can never be mined: the wallet's credit bears the charge, the rest is owed. */
export function promiseBroken(call: {
  paymentId: string;
  customerId: string;
  network: string;
  charge: Money;
}): JournalEntry {
  const { paymentId, customerId, network, charge } = call;
  return {
    key: `broken:${paymentId}`,
    kind: 'promise_broken',
    customerId,
    memo: { network },
    postings: positive({
      from: customerCredits(customerId, 'USDC'),
      to: customerPromised(customerId),
      amount: charge,
      overflow: customerReceivable(customerId, 'USDC'),
    }),
  };
}
