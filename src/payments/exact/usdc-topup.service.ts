import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { BillingError, InvalidRequestError } from '../../common/billing-error';
import { formatMoney, type Money, usd, usdc, usdcToUsdAtPar } from '../../common/money';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import { NetworksService } from '../chain/networks.service';
import { ClaimsService } from '../claims.service';
import { envelopeOf } from '../payment-envelope';
import { PaymentRequiredError } from '../payment-required';
import type { PaymentRequirements, RequestHeaders, Work } from '../payment-scheme';
import { PaymentSchemesService } from '../payment-schemes.service';
import { type Refusal, unsupportedScheme } from '../refusal';
import type { KeptAnswer } from '../claim';
import { ExactAdmission } from './exact-admission.service';
import type { ExactHold } from './exact-hold';
import { type ExactPayment, findExactPayment, paymentIdOf } from './exact-payment';
import type { ExactClaimPayment } from './exact-claim';
import { settlementHeaders } from './settlement-headers';
import { exactRequirements, rowFor } from './exact-requirements';
import { TopUpBooks } from './topup-books.service';

/** $0.01 in nano-USD: less is not worth the gas. */
const LEAST = 10_000_000n;

export interface UsdcTopUp {
  readonly id: string;
  readonly url: string;
  readonly headers: RequestHeaders;
  /** In USDC. */
  readonly amount: Money;
  /** Whose USD balance is topped up; left out: the paying wallet's own USDC credit. */
  readonly customerId: string | undefined;
}

/** A balance topped up by one x402 `exact` payment: the same admission, settlement and recovery as a paid call. */
@Injectable()
export class UsdcTopUpService {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly admission: ExactAdmission,
    private readonly schemes: PaymentSchemesService,
    private readonly claims: ClaimsService,
    private readonly books: TopUpBooks,
    private readonly networks: NetworksService,
  ) {}

  /** @throws PaymentRequiredError with the ways to pay it; BillingError for a payment that is not accepted. */
  async topUp(topUp: UsdcTopUp): Promise<KeptAnswer> {
    const work = this.workOf(topUp);
    return this.take(topUp, work).catch((error: unknown) => {
      this.claims.leaveCall(work.callId);
      throw error;
    });
  }

  private async take(topUp: UsdcTopUp, work: TopUpWork): Promise<KeptAnswer> {
    const rows = this.rowsFor(topUp.amount);
    const envelope = envelopeOf(topUp.headers);
    const payment = envelope && 'refusal' in envelope ? envelope : findExactPayment(topUp.headers);
    if (!payment) throw this.unpaid(work, rows, envelope && unsupportedScheme);
    if ('refusal' in payment) throw await this.refused(payment.refusal, work, rows);
    const required = rowFor(payment, rows);
    const outcome = await this.admission.admit(payment, required, work);
    if (outcome.kind === 'refused') {
      const credited = await this.creditedBefore(topUp, payment, required);
      if (credited) return credited;
      throw await this.refused(outcome.refusal, work, rows);
    }
    if (outcome.kind !== 'held') return outcome.answer;
    const hold = outcome.hold as ExactHold;
    const credited = await this.books.credit(topUp.customerId, hold);
    const answer = answerOf(topUp, hold, credited);
    await this.claims.move(hold.claimKey, hold.callId, 'settled', { answer });
    return { ...answer, headers: { ...answer.headers, ...hold.headers } };
  }

  /** A crash right behind the booking: the payment is spent, and what it paid for is on the books. */
  private async creditedBefore(topUp: UsdcTopUp, payment: ExactPayment, required: PaymentRequirements) {
    const { from, nonce } = payment.authorization;
    const claim = await this.claims.find(paymentIdOf(required.network, required.asset, from, nonce));
    if (claim?.state !== 'paid' || claim.customerId === null || claim.transaction === null) return undefined;
    const credited = await this.books.creditedBy(topUp.customerId, claim.key);
    if (!credited) return undefined;
    const claimPayment = claim.payment as ExactClaimPayment;
    const payer = from.toLowerCase();
    const { transaction } = claim;
    const paid = { callId: claim.callId, customerId: claim.customerId, payer, claimPayment, transaction };
    const answer = answerOf(topUp, { ...paid, amount: usdc(BigInt(claimPayment.requirements.amount)) }, credited);
    const headers = settlementHeaders({ ...claimPayment.requirements, transaction, payer });
    return { ...answer, headers: { ...answer.headers, ...headers } };
  }

  private async refused(
    refusal: Refusal,
    work: TopUpWork,
    rows: readonly PaymentRequirements[],
  ): Promise<BillingError> {
    return refusal.status === 402 ? this.unpaid(work, rows, refusal) : this.schemes.refused(refusal, work as Work);
  }

  /** The rows of the chains that answer. */
  private unpaid(work: TopUpWork, rows: readonly PaymentRequirements[], refusal?: Refusal): BillingError {
    const accepts = rows.filter(({ network }) => !this.networks.isAway(network));
    const unavailable = this.networks.away().map(({ id }) => id);
    return new PaymentRequiredError(work, accepts, work.resource.url, refusal, { unavailable });
  }

  /** One for each network. */
  private rowsFor(amount: Money): readonly PaymentRequirements[] {
    const { x402, upstream, topUps } = this.config;
    if (!x402) {
      throw new BillingError({
        code: 'usdc_top_ups_unavailable',
        status: 501,
        title: 'Not configured',
        detail: 'This server does not take USDC.',
        hint: 'Top up by card: POST /v1/topups.',
      });
    }
    const asked = usdcToUsdAtPar(amount);
    const most = usd(BigInt(topUps.maxCents) * 10_000_000n);
    if (asked.atoms < LEAST || asked.atoms > most.atoms) {
      throw new InvalidRequestError({
        code: 'amount_out_of_range',
        detail: `A top-up in USDC is between 0.01 and ${formatMoney(most)}.`,
        hint: 'Give the amount as a plain decimal, such as "5" or "12.50".',
      });
    }
    return x402.networks.map((network) => exactRequirements(network, asked, upstream.timeoutMs));
  }

  /** Settled first, as a stream is: the work is the credit itself. */
  private workOf(topUp: UsdcTopUp): TopUpWork {
    const bound = `POST /v1/topups/usdc\n${topUp.amount.atoms}\n${topUp.customerId ?? ''}`;
    return {
      callId: topUp.id,
      fingerprint: createHash('sha256').update(bound).digest('base64url'),
      stream: true,
      // Only what stays with the wallet repays what the wallet owes.
      repaysDebt: topUp.customerId === undefined,
      resource: { url: topUp.url, description: 'Top-up in USDC', mimeType: 'application/json' },
    };
  }
}

type TopUpWork = Pick<Work, 'callId' | 'fingerprint' | 'stream' | 'resource'> & { readonly repaysDebt?: boolean };

function answerOf(
  topUp: UsdcTopUp,
  hold: Pick<ExactHold, 'callId' | 'customerId' | 'payer' | 'claimPayment' | 'transaction' | 'amount'>,
  credited: Money,
): KeptAnswer {
  const body = {
    id: hold.callId,
    customerId: topUp.customerId ?? hold.customerId,
    rail: 'usdc',
    state: 'paid',
    paid: formatMoney(hold.amount),
    credited: formatMoney(credited),
    asset: credited.asset,
    atoms: credited.atoms.toString(),
    payer: hold.payer,
    network: hold.claimPayment.requirements.network,
    transaction: hold.transaction,
  };
  const headers = { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'private, no-store' };
  return { status: 201, headers, body: Buffer.from(JSON.stringify(body)) };
}
