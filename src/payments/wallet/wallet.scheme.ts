import { Inject, Injectable } from '@nestjs/common';
import { formatMoney, minus, type Money, usdc } from '../../common/money';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { LedgerRefusedError } from '../../ledger/ledger-error';
import { LedgerService } from '../../ledger/ledger.service';
import type { HoldVerdict } from '../../ledger/verdict';
import { chargedTo } from '../charged';
import { CLAIMABLE } from '../claim';
import { ClaimsService } from '../claims.service';
import { CreditCapture } from '../credit/credit-capture.service';
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
import { answerNotKept, inProgress, paymentOwed, type Refusal } from '../refusal';
import { walletProviderOf } from '../transfer-proof/transfer-instructions';
import { usdcCeiling } from '../usdc-ceiling';
import { walletHold } from '../wallet-hold';
import { findSignIn, nonceUsed, type SignIn } from './sign-in';
import { nonceKey, SignIns } from './sign-ins.service';

/** How long a copy of a sign-in waits for the first one's answer. */
const WAIT_MS = 30_000;

/** A wallet's own credit, left over by earlier payments: who signs in with the wallet draws from it. */
@Injectable()
export class WalletScheme implements PaymentScheme {
  readonly name = 'wallet';

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly signIns: SignIns,
    private readonly claims: ClaimsService,
    private readonly ledger: LedgerService,
    private readonly captures: CreditCapture,
  ) {}

  /** A sign-in is an extension of a 402 and no row of it. */
  requirements(): readonly PaymentRequirements[] {
    return [];
  }

  find(headers: RequestHeaders): PaymentPayload | undefined {
    const signIn = this.signIns.offered ? findSignIn(headers) : undefined;
    return signIn && ({ scheme: this.name, signIn } as SignInPayment);
  }

  async hold(payment: PaymentPayload, work: Work): Promise<HoldOutcome> {
    const { signIn } = payment as SignInPayment;
    if ('code' in signIn) return refused(signIn);
    const claimKey = nonceKey(signIn);
    const earlier = await this.claims.find(claimKey);
    const repeated = earlier?.fingerprint === work.fingerprint && !CLAIMABLE.includes(earlier.state);
    const fault = await this.signIns.faultOf(signIn, work.resource.url, repeated);
    if (fault) return refused(fault);
    if (repeated) return this.follow(claimKey, work.fingerprint);
    const amount = usdcCeiling(work);
    const customerId = await this.signIns.customerOf(signIn.address);
    if (customerId === undefined) return refused(insufficient(amount, usdc(0n)));
    const claim = await this.claims.take({
      key: claimKey,
      scheme: this.name,
      fingerprint: work.fingerprint,
      callId: work.callId,
      customerId,
      payment: null,
      validBefore: null,
    });
    if (claim === 'owing') return refused(paymentOwed);
    if (typeof claim === 'string') return this.follow(claimKey, work.fingerprint);
    const walletProvider = walletProviderOf(work.headers);
    const hold: WalletHold = {
      callId: work.callId,
      scheme: this.name,
      customerId,
      apiKeyId: null,
      payer: signIn.address,
      amount,
      capped: true,
      claimKey,
      headers: {},
      ...(walletProvider === undefined ? {} : { hints: { walletProvider } }),
    };
    // Whatever keeps the money from being held, the nonce is free again for this request.
    const outcome = await this.reserve(hold).catch(async (error: unknown) => {
      await this.claims.move(claimKey, work.callId, 'released').catch(() => false);
      throw error;
    });
    if (outcome.kind !== 'held') await this.claims.move(claimKey, work.callId, 'released');
    return outcome;
  }

  async capture(hold: Hold, delivery: Delivery): Promise<CaptureOutcome> {
    const held = hold as WalletHold;
    const { callId, customerId, claimKey, amount } = held;
    const charge = chargedTo(held, delivery.charge.amount);
    const taken = { callId, customerId, held: amount, charge, rows: delivery.rows(paidBy(held, charge)) };
    if (!(await this.captures.keep(claimKey, taken, delivery.answer))) {
      await this.ledger.release(walletHold(held));
      return { kind: 'refused', refusal: inProgress };
    }
    const balance = await this.captures.settle(claimKey, taken);
    return { kind: 'captured', receipt: { charge, balance, headers: {} } };
  }

  async release(hold: Hold, failure: Failure): Promise<void> {
    const held = hold as WalletHold;
    await this.ledger.release(walletHold(held), failure.rows(paidBy(held, usdc(0n))));
    await this.claims.move(held.claimKey, held.callId, 'released');
  }

  private async reserve(hold: WalletHold): Promise<HoldOutcome> {
    const until = new Date(Date.now() + this.config.holdTtlSeconds * 1000);
    const verdict = await this.ledger.hold(walletHold(hold), until);
    if (verdict.verdict === 'held' || verdict.verdict === 'replayed') return { kind: 'held', hold };
    return refused(refusalOf(verdict, hold.amount));
  }

  private async follow(key: string, fingerprint: string): Promise<HoldOutcome> {
    const first = await this.claims.find(key);
    if (first?.fingerprint !== fingerprint) return refused(nonceUsed);
    const claim = await this.claims.settled(key, WAIT_MS);
    if (claim?.answer) return { kind: 'replay', answer: claim.answer };
    return refused(claim?.state === 'settled' ? answerNotKept : inProgress);
  }
}

interface SignInPayment extends PaymentPayload {
  readonly signIn: SignIn | Refusal;
}

interface WalletHold extends Hold {
  readonly claimKey: string;
  readonly payer: string;
}

const refused = (refusal: Refusal): HoldOutcome => ({ kind: 'refused', refusal });

const paidBy = ({ amount, payer }: WalletHold, charge: Money): Paid => ({
  charge,
  held: amount,
  evidence: { payer },
  paymentId: null,
  network: null,
  transaction: null,
});

/** 402 for "no money" and 402 for "money is tied up in calls in flight" differ: only the second passes by waiting. */
function refusalOf(verdict: HoldVerdict, wanted: Money): Refusal {
  if (verdict.verdict === 'frozen') return paymentOwed;
  if (verdict.verdict !== 'insufficient') throw new LedgerRefusedError('hold', verdict.verdict);
  const refusal = insufficient(wanted, verdict.available);
  if (verdict.available.atoms + verdict.held.atoms < wanted.atoms) return refusal;
  return {
    ...refusal,
    code: 'wallet_credit_in_flight',
    detail: `This call needs up to ${formatMoney(wanted)} USDC; ${formatMoney(verdict.held)} of the balance is held by calls in flight.`,
    hint: 'Repeat the request when they have finished, or pay in another way.',
    retryAfter: 1,
  };
}

function insufficient(wanted: Money, available: Money): Refusal {
  const members = {
    required: formatMoney(wanted),
    available: formatMoney(available),
    missing: formatMoney(minus(wanted, available)),
    currency: 'USDC',
  };
  return {
    status: 402,
    code: 'insufficient_wallet_credit',
    detail: `This call needs up to ${members.required} USDC and the balance of the wallet is ${members.available} USDC.`,
    hint: 'Pay this call in another way, or top up the wallet with POST /v1/topups/usdc.',
    members,
  };
}
