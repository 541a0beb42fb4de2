import { minus } from '../../common/money';
import { PENDING_COST, PENDING_TRANSACTION } from '../claim';
import type { CaptureOutcome, Paid } from '../payment-scheme';
import type { ExactHold } from './exact-hold';
import { settlementHeaders } from './settlement-headers';

/** What a payer gets for a capture; the transaction is `null` while its settlement is still to come. */
export function captured(held: ExactHold, charge: Paid['charge'], transaction: string | null): CaptureOutcome {
  const headers = settlementHeaders({ ...held.claimPayment.requirements, transaction, payer: held.payer });
  return { kind: 'captured', receipt: { charge, balance: undefined, headers } };
}

/** The headers of an answer that leaves before its payment is settled. */
export const pendingHeaders = ({ claimPayment, payer }: ExactHold): Record<string, string> =>
  settlementHeaders({ ...claimPayment.requirements, transaction: null, payer });

/** What the rows of a call are told of its payment. */
export function paidBy(held: ExactHold, charge: Paid['charge'], transaction: string | null): Paid {
  const { network } = held.claimPayment.requirements;
  return {
    charge,
    held: held.amount,
    evidence: {
      payer: held.payer,
      network,
      ...(transaction === null ? {} : { transaction }),
      settled: held.amount.atoms.toString(),
      credited: minus(held.amount, charge).atoms.toString(),
      ...(transaction === PENDING_TRANSACTION ? PENDING_COST : held.cost),
    },
    paymentId: held.claimKey,
    network,
    transaction,
  };
}

/** The same of a call that is answered before its payment is settled: where the transfer is, the claim knows. */
export function promisedBy(held: ExactHold, charge: Paid['charge']): Paid {
  const { network } = held.claimPayment.requirements;
  return {
    charge,
    held: held.amount,
    evidence: { payer: held.payer, network, promised: held.amount.atoms.toString() },
    paymentId: held.claimKey,
    network,
    transaction: null,
  };
}
