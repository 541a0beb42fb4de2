import { Inject, Injectable } from '@nestjs/common';
import { formatMoney, minus, type Money } from '../../common/money';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { bearerOf, type ApiKey } from '../../customers/api-key';
import { ApiKeysService } from '../../customers/api-keys.service';
import { customerCredits } from '../../ledger/ledger-account';
import { type CreditVerdict, HeldCredit } from '../../credits/held-credit.service';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { type LedgerHold, LedgerService } from '../../ledger/ledger.service';
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
import { answerNotKept, idempotencyConflict, inProgress, type Refusal } from '../refusal';
import { CreditCapture } from './credit-capture.service';
import { keyRefusal } from './key-refusal';

/** Prepaid credit: the API key is the payment. Hold the ceiling, capture what was used, free the rest. */
@Injectable()
export class CreditScheme implements PaymentScheme {
  readonly name = 'credit';

  constructor(
    private readonly keys: ApiKeysService,
    private readonly ledger: LedgerService,
    private readonly credit: HeldCredit,
    private readonly claims: ClaimsService,
    private readonly captures: CreditCapture,
    @Inject(CONFIG) private readonly config: Config,
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
    const { id, customerId } = key as ApiKey;
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
    if (claimKey === null) return this.reserve(hold);
    const earlier = await this.claim(hold, work);
    if (earlier) return earlier;
    // Whatever keeps the money from being held, the key is free again.
    const outcome = await this.reserve(hold).catch(async (error: unknown) => {
      await this.claims.move(claimKey, work.callId, 'released').catch(() => false);
      throw error;
    });
    if (outcome.kind !== 'held') await this.claims.move(claimKey, work.callId, 'released');
    return outcome;
  }

  async capture(hold: Hold, delivery: Delivery): Promise<CaptureOutcome> {
    const charge = delivery.charge.amount;
    const rows = delivery.rows(paidBy(hold, charge));
    const taken = { callId: hold.callId, customerId: hold.customerId, held: hold.amount, charge, rows };
    if (hold.claimKey !== null && !(await this.captures.keep(hold.claimKey, taken, delivery.answer))) {
      await this.ledger.release(ledgerHold(hold));
      return { kind: 'refused', refusal: inProgress };
    }
    const balance = await (hold.claimKey === null
      ? this.captures.take(taken)
      : this.captures.settle(hold.claimKey, taken));
    return { kind: 'captured', receipt: { charge, balance, headers: {} } };
  }

  async release(hold: Hold, failure: Failure): Promise<void> {
    const nothing = { asset: hold.amount.asset, atoms: 0n };
    await this.ledger.release(ledgerHold(hold), failure.rows(paidBy(hold, nothing)));
    if (hold.claimKey !== null) await this.claims.move(hold.claimKey, hold.callId, 'released');
  }

  private async reserve(hold: Hold): Promise<HoldOutcome> {
    const expiresAt = new Date(Date.now() + this.config.holdTtlSeconds * 1000);
    const verdict = await this.credit.hold(ledgerHold(hold), expiresAt).catch((error: unknown) => {
      // It may be there all the same, and would tie up the money until it expires.
      void this.ledger.release(ledgerHold(hold)).catch(() => undefined);
      throw error;
    });
    if (verdict.verdict === 'held' || verdict.verdict === 'replayed') return { kind: 'held', hold };
    return { kind: 'refused', refusal: creditRefusal(verdict, hold.amount) };
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

export const ledgerHold = (hold: Hold): LedgerHold => ({
  id: hold.callId,
  account: customerCredits(hold.customerId, hold.amount.asset),
  amount: hold.amount,
});

const paidBy = (hold: Hold, charge: Money): Paid => ({
  charge,
  held: hold.amount,
  evidence: { apiKeyId: hold.apiKeyId ?? '' },
  paymentId: null,
  network: null,
  transaction: null,
});

/** 402 for "no money" and 402 for "money is tied up in calls in flight" differ: only the second passes by waiting. */
function creditRefusal(verdict: CreditVerdict, wanted: Money): Refusal {
  if (verdict.verdict === 'frozen') {
    return {
      status: 402,
      code: 'credit_owed',
      detail: 'A call cost more than the balance could bear, and the rest is owed.',
      hint: 'Top up: what is owed is repaid first, then calls work again.',
    };
  }
  if (verdict.verdict !== 'insufficient') throw new LedgerRefusedError('hold', verdict.verdict);
  const missing = minus(wanted, verdict.available);
  const members = {
    required: formatMoney(wanted),
    available: formatMoney(verdict.available),
    missing: formatMoney(missing),
    currency: 'USD',
  };
  if (verdict.held.atoms >= missing.atoms) {
    return {
      status: 402,
      code: 'credit_in_flight',
      detail: `This call needs up to $${members.required}; $${formatMoney(verdict.held)} of the balance is held by calls in flight.`,
      hint: 'Repeat the request when they have finished, or top up.',
      retryAfter: 1,
      members,
    };
  }
  return {
    status: 402,
    code: 'insufficient_credit',
    detail: `This call needs up to $${members.required} and the balance is $${members.available}: $${members.missing} is missing.`,
    hint: 'Top up at topUpUrl, or ask for fewer output tokens.',
    members,
  };
}

function outcomeOf(first: Claim | undefined): HoldOutcome {
  if (first?.answer) return { kind: 'replay', answer: first.answer };
  return { kind: 'refused', refusal: first?.state === 'settled' ? answerNotKept : inProgress };
}
