import { Injectable } from '@nestjs/common';
import { minus, type Money, usdc } from '../../common/money';
import { LedgerService } from '../../ledger/ledger.service';
import { chargedTo } from '../charged';
import type { Claim, KeptAnswer } from '../claim';
import { ClaimsService } from '../claims.service';
import { CreditCapture } from '../credit/credit-capture.service';
import type { UnreadablePayment } from '../payment-envelope';
import type {
  CaptureOutcome,
  Delivery,
  Failure,
  Hold,
  HoldOutcome,
  Paid,
  PaymentPayload,
  PaymentRequirements,
  PaymentScheme,
  RequestHeaders,
  Work,
} from '../payment-scheme';
import { inProgress } from '../refusal';
import { walletHold } from '../wallet-hold';
import { ProofCheck } from './proof-check.service';
import { findProof, type ProofOfPayment } from './proof-of-payment';
import { TransferAdmission } from './transfer-admission.service';
import { answerOf, type TransferHold } from './transfer-hold';
import { TransferOffers } from './transfer-offers.service';

/**
 * Proof of payment: the payer transfers USDC with any wallet and shows the transaction, signed. What arrived is the
 * wallet's credit; the call is held on it and takes what was used.
 */
@Injectable()
export class TransferProofScheme implements PaymentScheme {
  readonly name = 'transfer-proof';

  constructor(
    private readonly offers: TransferOffers,
    private readonly proofs: ProofCheck,
    private readonly admission: TransferAdmission,
    private readonly claims: ClaimsService,
    private readonly captures: CreditCapture,
    private readonly ledger: LedgerService,
  ) {}

  /** It is no x402 scheme: its instructions are members of the 402's body. */
  requirements(): readonly PaymentRequirements[] {
    return [];
  }

  /** Instructions for those who say that they pay with a wallet of their own, or have tried to. */
  members(work: Work): Readonly<Record<string, unknown>> {
    const asksForThem = 'wallet-provider' in work.headers || 'proof-of-payment' in work.headers;
    const transfers = asksForThem ? this.offers.for(work) : [];
    return transfers.length > 0 ? { transfers } : {};
  }

  async prove(payment: PaymentPayload): Promise<string | undefined> {
    const given = payment as ProofOfPayment | UnreadablePayment;
    if ('refusal' in given) return undefined;
    return (await this.proofs.isThePayers(given).catch(() => false)) ? given.payer : undefined;
  }

  answerTo(claim: Claim): KeptAnswer | undefined {
    return answerOf(claim);
  }

  find(headers: RequestHeaders): PaymentPayload | undefined {
    return this.offers.areMade ? findProof(headers) : undefined;
  }

  async hold(payment: PaymentPayload, work: Work): Promise<HoldOutcome> {
    const given = payment as ProofOfPayment | UnreadablePayment;
    if ('refusal' in given) return { kind: 'refused', refusal: given.refusal };
    const checked = await this.proofs.check(given, work);
    return 'code' in checked ? { kind: 'refused', refusal: checked } : this.admission.admit(given, checked, work);
  }

  async capture(hold: Hold, delivery: Delivery): Promise<CaptureOutcome> {
    const held = hold as TransferHold;
    const { callId, customerId, claimKey, amount } = held;
    const charge = chargedTo(held, delivery.charge.amount);
    const taken = { callId, customerId, held: amount, charge, rows: delivery.rows(paidBy(held, charge)) };
    if (!(await this.captures.keep(claimKey, taken, delivery.answer))) {
      await this.ledger.release(walletHold(held));
      return { kind: 'refused', refusal: inProgress };
    }
    await this.captures.settle(claimKey, taken);
    return { kind: 'captured', receipt: { charge, balance: undefined, headers: held.headers } };
  }

  /** The transfer stays the wallet's credit, and may be shown again for the same request. */
  async release(hold: Hold, failure: Failure): Promise<void> {
    const held = hold as TransferHold;
    await this.ledger.release(walletHold(held), failure.rows(paidBy(held, usdc(0n))));
    await this.claims.move(held.claimKey, held.callId, 'paid');
  }
}

function paidBy(held: TransferHold, charge: Money): Paid {
  const { payer, network, transaction, value } = held.transfer;
  return {
    charge,
    held: held.amount,
    evidence: {
      payer,
      network,
      transaction,
      settled: value,
      credited: minus(usdc(BigInt(value)), charge).atoms.toString(),
    },
    paymentId: held.claimKey,
    network,
    transaction,
  };
}
