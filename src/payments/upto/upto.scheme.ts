import { Inject, Injectable } from '@nestjs/common';
import { usdc } from '../../common/money';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { type ChainNetwork, NetworksService } from '../chain/networks.service';
import { chargedTo } from '../charged';
import { type Claim, type KeptAnswer, PENDING_COST, PENDING_TRANSACTION } from '../claim';
import { LEASE_SECONDS } from '../claim-leases.service';
import { ClaimsService } from '../claims.service';
import { GAS_SPONSORING } from '../gas-sponsoring';
import { patiently } from '../patiently';
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
import { inDoubt, inProgress } from '../refusal';
import { Repeats } from '../repeats.service';
import { UptoAdmission } from './upto-admission.service';
import type { UptoHold } from './upto-hold';
import { findUptoPayment, refusedPayment, type UptoPayment } from './upto-payment';
import { uptoRequirements } from './upto-requirements';
import { answerOf, responseHeaders } from './upto-response';
import { type UnfinishedClaim, UptoSettlement } from './upto-settlement.service';

/**
 * x402 `upto` on EVM: the payer signs the quote's ceiling, and what the call used is settled once the work is done. An
 * answer in one piece waits for that; a stream has left by then, and what its payer does not have any more is owed.
 */
@Injectable()
export class UptoScheme implements PaymentScheme {
  readonly name = 'upto';

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly networks: NetworksService,
    private readonly admission: UptoAdmission,
    private readonly settlement: UptoSettlement,
    private readonly claims: ClaimsService,
    private readonly repeats: Repeats,
  ) {}

  requirements(work: Work): readonly PaymentRequirements[] {
    return this.offering.map(({ config, gas }) => {
      // Spread over our keys by the call, so that settlements of one do not wait for another's.
      const able = gas.inRotation();
      const facilitator = able[Number(`0x${work.callId.slice(-6)}`) % able.length] as string;
      const offer = { network: config.id, payTo: config.payTo, asset: config.asset, facilitator };
      return uptoRequirements(offer, work.quote.ceiling, this.config.upstream.timeoutMs);
    });
  }

  extensions(): Readonly<Record<string, unknown>> {
    return this.offering.length === 0 ? {} : GAS_SPONSORING;
  }

  find(headers: RequestHeaders): PaymentPayload | undefined {
    return this.offering.length === 0 ? undefined : findUptoPayment(headers);
  }

  async prove(payment: PaymentPayload): Promise<string | undefined> {
    const given = payment as UptoPayment | UnreadablePayment;
    if ('refusal' in given) return undefined;
    const network = this.offering.find(({ id }) => id === given.accepted.network);
    const signed = network && (await this.admission.isSigned(given, network.id));
    return signed ? given.authorization.from : undefined;
  }

  answerTo(claim: Claim): KeptAnswer | undefined {
    return answerOf(claim);
  }

  async hold(payment: PaymentPayload, work: Work): Promise<HoldOutcome> {
    const given = payment as UptoPayment | UnreadablePayment;
    if ('refusal' in given) return { kind: 'refused', refusal: given.refusal };
    const network = this.offering.find(({ id }) => id === given.accepted.network);
    const required = this.requirements(work).find((row) => row.network === network?.id);
    if (!network || !required) return { kind: 'refused', refusal: refusedPayment('invalid_upto_evm_network_mismatch') };
    return this.admission.admit(given, required, network.addresses, work);
  }

  /** The answer and the charge are durable before the money moves: whatever happens then, it can be finished. */
  async capture(hold: Hold, delivery: Delivery): Promise<CaptureOutcome> {
    const held = hold as UptoHold;
    const { claimKey, callId, customerId, claimPayment } = held;
    const charge = chargedTo(held, delivery.charge.amount);
    const capture = {
      asset: charge.asset,
      charge: charge.atoms.toString(),
      held: held.amount.atoms.toString(),
      rows: delivery.rows(paidBy(held, charge, PENDING_TRANSACTION)),
    };
    const change = { capture, answer: delivery.answer, leaseSeconds: LEASE_SECONDS };
    const state = 'settling' as const;
    const claim = { key: claimKey, state, callId, customerId, payment: claimPayment, capture };
    const moved = await patiently(() => this.claims.move(claimKey, callId, state, change));
    if (!moved) return this.capturedBefore(held, claim, delivery);
    const outcome = await this.settlement.settle(claim);
    if (outcome.kind === 'settled') return captured({ ...claim, transaction: outcome.transaction });
    // What was answered is charged all the same: by the reconciler, or as a debt.
    if (claimPayment.answersFirst) return captured({ ...claim, transaction: null });
    const refusal = outcome.kind === 'failed' ? refusedPayment(outcome.reason) : inDoubt(outcome.transaction);
    return { kind: 'refused', refusal };
  }

  async release(hold: Hold, failure: Failure): Promise<void> {
    const held = hold as UptoHold;
    await this.settlement.release(held, failure.rows(paidBy(held, usdc(0n), null)));
  }

  private async capturedBefore(held: UptoHold, claim: UnfinishedClaim, delivery: Delivery): Promise<CaptureOutcome> {
    const before = await this.repeats.captured(held);
    if (before === 'lost') {
      if (!delivery.delivered) return { kind: 'refused', refusal: inProgress };
      await patiently(() => this.settlement.owe(claim));
      return captured({ ...claim, transaction: null });
    }
    return 'status' in before ? { kind: 'refused', refusal: before } : captured(before);
  }

  /** The networks where a key of ours can settle it. */
  private get offering(): readonly ChainNetwork[] {
    return this.networks.all().filter(({ config }) => config.upto);
  }
}

function captured(claim: Pick<Claim, 'payment' | 'capture' | 'transaction'>): CaptureOutcome {
  const charge = usdc(BigInt(claim.capture?.charge ?? 0));
  const headers = claim.transaction === null ? {} : responseHeaders(claim);
  return { kind: 'captured', receipt: { charge, balance: undefined, headers } };
}

function paidBy(held: UptoHold, charge: Paid['charge'], transaction: string | null): Paid {
  const { network } = held.claimPayment.requirements;
  return {
    charge,
    held: held.amount,
    evidence: {
      payer: held.payer,
      network,
      ...(transaction === null ? {} : { transaction, ...PENDING_COST }),
      settled: charge.atoms.toString(),
    },
    paymentId: held.claimKey,
    network,
    transaction,
  };
}
