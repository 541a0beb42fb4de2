import { Injectable } from '@nestjs/common';
import type { Money } from '../../common/money';
import { bearerOf, type KeyInUse } from '../../customers/api-key';
import { ApiKeysService } from '../../customers/api-keys.service';
import type { Claim } from '../claim';
import { ClaimsService } from '../claims.service';
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
import { answerNotKept, idempotencyConflict, inProgress } from '../refusal';
import { CreditCapture } from './credit-capture.service';
import { CreditReservation, legsOf, weighingOf } from './credit-reservation.service';
import { keyRefusal } from './key-refusal';

/** Prepaid credit: the API key is the payment. Hold the ceiling, capture what was used, free the rest. */
@Injectable()
export class CreditScheme implements PaymentScheme {
  readonly name = 'credit';

  constructor(
    private readonly keys: ApiKeysService,
    private readonly claims: ClaimsService,
    private readonly captures: CreditCapture,
    private readonly reservations: CreditReservation,
  ) {}

  /** A key is not an x402 payment: the 402 names it in its hint and `topUpUrl` instead. */
  requirements(): readonly PaymentRequirements[] {
    return [];
  }

  find(headers: RequestHeaders): PaymentPayload | undefined {
    const secret = bearerOf(headers['authorization'] as string | undefined);
    return secret === undefined ? undefined : ({ scheme: this.name, secret } as PaymentPayload);
  }

  async hold(payment: PaymentPayload, work: Work): Promise<HoldOutcome> {
    const key = await this.keys.authenticate((payment as CreditPayload).secret);
    const refusal = keyRefusal(key, work.model);
    if (refusal) return { kind: 'refused', refusal };
    const { id, customerId } = key as KeyInUse;
    const claimKey = work.idempotencyKey === undefined ? null : `idempotency:${customerId}:${work.idempotencyKey}`;
    const hold: Hold = {
      callId: work.callId,
      scheme: this.name,
      customerId,
      apiKeyId: id,
      payer: null,
      amount: work.quote.ceiling,
      capped: false,
      claimKey,
      headers: {},
    };
    const reserve = () => this.reservations.reserve(hold, key as KeyInUse, work.model);
    if (claimKey === null) return reserve();
    const earlier = await this.claim(hold, work);
    if (earlier) return earlier;
    // Whatever keeps the money from being held, the key is free again.
    const outcome = await reserve().catch(async (error: unknown) => {
      await this.claims.move(claimKey, work.callId, 'released').catch(() => false);
      throw error;
    });
    if (outcome.kind !== 'held') await this.claims.move(claimKey, work.callId, 'released');
    return outcome;
  }

  async capture(hold: Hold, delivery: Delivery): Promise<CaptureOutcome> {
    const charge = delivery.charge.amount;
    const rows = delivery.rows(paidBy(hold, charge));
    const { callId, customerId, amount: held } = hold;
    const taken = { callId, customerId, held, charge, rows, counters: weighingOf(hold), legs: legsOf(hold) };
    if (hold.claimKey !== null && !(await this.captures.keep(hold.claimKey, taken, delivery.answer))) {
      await this.reservations.release(hold);
      return { kind: 'refused', refusal: inProgress };
    }
    const balance = await (hold.claimKey === null
      ? this.captures.take(taken)
      : this.captures.settle(hold.claimKey, taken));
    return { kind: 'captured', receipt: { charge, balance, headers: hold.headers } };
  }

  async release(hold: Hold, failure: Failure): Promise<void> {
    const nothing = { asset: hold.amount.asset, atoms: 0n };
    await this.reservations.release(hold, failure.rows(paidBy(hold, nothing)));
    if (hold.claimKey !== null) await this.claims.move(hold.claimKey, hold.callId, 'released');
  }

  /** Undefined for the first with this Idempotency-Key; what came of the first for everyone else. */
  private async claim(hold: Hold, work: Work): Promise<HoldOutcome | undefined> {
    const key = hold.claimKey as string;
    const won = await this.claims.take({
      key,
      scheme: this.name,
      fingerprint: work.fingerprint,
      callId: work.callId,
      customerId: hold.customerId,
      payment: null,
      validBefore: null,
    });
    if (typeof won !== 'string') return undefined;
    const first = await this.claims.find(key);
    if (first && first.fingerprint !== work.fingerprint) return { kind: 'refused', refusal: idempotencyConflict };
    return outcomeOf(await this.claims.settled(key, WAIT_MS));
  }
}

interface CreditPayload extends PaymentPayload {
  readonly secret: string;
}

/** How long a copy waits for the first one's answer. */
const WAIT_MS = 60_000;

const paidBy = (hold: Hold, charge: Money): Paid => ({
  charge,
  held: hold.amount,
  evidence: { apiKeyId: hold.apiKeyId ?? '' },
  paymentId: null,
  network: null,
  transaction: null,
});

function outcomeOf(first: Claim | undefined): HoldOutcome {
  if (first?.answer) return { kind: 'replay', answer: first.answer };
  return { kind: 'refused', refusal: first?.state === 'settled' ? answerNotKept : inProgress };
}
