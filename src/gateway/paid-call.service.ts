import { Injectable, Logger } from '@nestjs/common';
import { BillingError } from '../common/billing-error';
import { formatMoney } from '../common/money';
import { newInvoiceId } from '../invoicing/invoice-id';
import type { Usage } from '../metering/usage';
import type { KeptAnswer } from '../payments/claim';
import type { Receipt, Work } from '../payments/payment-scheme';
import { chargedTo } from '../payments/charged';
import { PaymentExtensions } from '../payments/payment-extensions.service';
import { PaymentSchemesService } from '../payments/payment-schemes.service';
import type { Model } from '../pricing/model';
import { PricingService } from '../pricing/pricing.service';
import { chargeFor, type Quote } from '../pricing/quote';
import { callHeaders, costHeaders, receiptHeaders, REPLAYED } from './answer-headers';
import { type CallOutcome, elapsed, rowsOf } from './call-rows';
import { estimateOf } from './estimate';
import { toCaller } from './forwarded-headers';
import { fingerprintOf, type InferenceCall } from './inference-call';
import type { Answer, CallEnd, PaidCall } from './paid-call';
import { readPlainAnswer, withCost } from './plain-answer';
import { StreamRelay } from './stream-relay.service';
import { UpstreamFailedError } from './upstream-error';
import { isCallersFault, type UpstreamAnswer, UpstreamClient } from './upstream.client';

/** The story of a paid call: the same for every rail and for streams. */
@Injectable()
export class PaidCallService {
  private readonly logger = new Logger('PaidCall');

  constructor(
    private readonly pricing: PricingService,
    private readonly schemes: PaymentSchemesService,
    private readonly extensions: PaymentExtensions,
    private readonly upstream: UpstreamClient,
    private readonly relay: StreamRelay,
  ) {}

  /** @throws BillingError: PaymentRequiredError without a usable payment, UpstreamFailedError, NotFoundError. */
  async serve(call: InferenceCall): Promise<Answer> {
    const model = this.pricing.modelFor(call.modelId, call.endpoint);
    const { quantities, imageClass } = estimateOf(call, model);
    const quote = this.pricing.quote(model, quantities, imageClass);
    const work = workOf(call, model, quote);
    const { scheme, payment } = await this.schemes.choose(call.headers, work);
    const outcome = await this.schemes.hold(scheme, payment, work);
    if (outcome.kind === 'refused') throw await this.schemes.refused(outcome.refusal, work);
    if (outcome.kind === 'replay') return { ...outcome.answer, headers: { ...outcome.answer.headers, ...REPLAYED } };
    if (outcome.kind === 'answered') return outcome.answer;
    const paid: PaidCall = { call, model, quote, work, scheme, hold: outcome.hold };
    const answer = await this.upstream.send(call, model).catch((error: unknown) => this.fail(paid, error));
    if (isCallersFault(answer.statusCode)) return this.pass(paid, answer);
    return call.stream && !isJson(answer) ? this.stream(paid, answer) : this.deliver(paid, answer);
  }

  /** An answer in one piece is withheld until it is paid: its headers name the cost. */
  private async deliver(paid: PaidCall, answer: UpstreamAnswer): Promise<KeptAnswer> {
    const body = await this.bodyOf(paid, answer);
    const read = readPlainAnswer(body, paid.call, paid.model, paid.quote.estimate);
    if (!read)
      return this.fail(paid, new UpstreamFailedError({ cause: new Error('It is not the JSON of an answer.') }));
    const charge = chargeFor(paid.quote, read.usage.quantities);
    const cost = formatMoney(chargedTo(paid.hold, charge.amount));
    const invoiceId = newInvoiceId(paid.call.id);
    const headers = {
      ...(toCaller(answer.headers) as Record<string, string>),
      ...costHeaders(paid, cost, invoiceId),
    };
    const priced = { status: answer.statusCode, headers, body: withCost(body, cost) };
    const receipt = await this.capture(
      paid,
      read.usage,
      { status: 'succeeded', invoiceId, modelServed: read.modelServed },
      priced,
    );
    return { ...priced, headers: { ...headers, ...receiptHeaders(receipt) } };
  }

  private stream(paid: PaidCall, answer: UpstreamAnswer): Answer {
    const invoiceId = newInvoiceId(paid.call.id);
    const headers = {
      ...toCaller(answer.headers),
      ...costHeaders(paid, undefined, invoiceId),
      ...paid.hold.headers,
      ...paid.hold.streamHeaders,
    };
    return {
      stream: async (target) => {
        target.open(answer.statusCode, headers);
        await this.relay.run(paid, answer.body, target, async (usage, end) => {
          if (usage.source === 'none') {
            await this.release(paid, end.errorCode ?? 'upstream_interrupted');
            return '0';
          }
          const charge = chargedTo(paid.hold, chargeFor(paid.quote, usage.quantities).amount);
          const body = end.kept?.(formatMoney(charge));
          const kept = body && { status: answer.statusCode, headers: headers as Record<string, string>, body };
          const receipt = await this.capture(paid, usage, { ...end, invoiceId, delivered: true }, kept);
          return formatMoney(receipt.charge);
        });
      },
    };
  }

  private async bodyOf(paid: PaidCall, answer: UpstreamAnswer): Promise<Buffer> {
    const broken = (cause: unknown) => this.fail(paid, new UpstreamFailedError({ cause }));
    return Buffer.from(await answer.body.arrayBuffer().catch(broken));
  }

  private async capture(paid: PaidCall, usage: Usage, end: CallEnd, answer: KeptAnswer | undefined): Promise<Receipt> {
    const { call, model, quote, scheme, hold } = paid;
    const charge = chargeFor(quote, usage.quantities);
    const outcome: CallOutcome = {
      call,
      model,
      quote,
      hold,
      usage,
      status: end.status,
      errorCode: end.errorCode ?? null,
      modelServed: end.modelServed,
      ttfbMs: end.ttfbMs ?? elapsed(call),
    };
    const captured = await scheme.capture(hold, {
      charge,
      rows: (payment) => rowsOf(outcome, charge, end.invoiceId, payment),
      answer,
      delivered: end.delivered === true,
    });
    if (captured.kind === 'refused') throw await this.schemes.refused(captured.refusal, paid.work);
    const { receipt } = captured;
    const { work } = paid;
    const settled = { work, payer: hold.payer, charge: receipt.charge, usage, invoiceId: end.invoiceId };
    return { ...receipt, headers: await this.extensions.withReceiptsIn(receipt.headers, settled) };
  }

  /** The upstream calls the request wrong: its answer passes through, and nothing is charged. */
  private async pass(paid: PaidCall, answer: UpstreamAnswer): Promise<KeptAnswer> {
    const body = await this.bodyOf(paid, answer);
    await this.release(paid, `upstream_${answer.statusCode}`);
    const forwarded = toCaller(answer.headers) as Record<string, string>;
    const headers = { ...forwarded, ...callHeaders(paid), ...paid.hold.headers };
    return { status: answer.statusCode, headers, body };
  }

  private async fail(paid: PaidCall, error: unknown): Promise<never> {
    await this.release(paid, error instanceof BillingError ? error.code : 'internal_error');
    const settled = Object.keys(paid.hold.headers).length > 0;
    throw settled && error instanceof UpstreamFailedError ? error.afterSettlement(paid.hold.headers) : error;
  }

  /** A hold that cannot be released now is returned by the sweeper: the caller's error matters more. */
  private async release(paid: PaidCall, code: string): Promise<void> {
    const { call, model, quote, scheme, hold } = paid;
    const usage: Usage = { quantities: {}, source: 'none' };
    const outcome: CallOutcome = {
      call,
      model,
      quote,
      hold,
      usage,
      status: 'failed',
      errorCode: code,
      modelServed: null,
      ttfbMs: null,
    };
    await scheme
      .release(hold, { code, rows: (payment) => rowsOf(outcome, undefined, null, payment) })
      .catch((error: unknown) =>
        this.logger.error(`call ${call.id}: its hold is left to the sweeper: ${String(error)}`),
      );
  }
}

const workOf = (call: InferenceCall, model: Model, quote: Quote): Work => ({
  callId: call.id,
  quote,
  resource: { url: call.url, description: `${call.modelId} inference`, mimeType: 'application/json' },
  model: call.modelId,
  stream: call.stream,
  answersAfterClaim: model.answersAfterClaim.includes(call.endpoint),
  // Only a payment that is claimed is bound to its request: prepaid credit without a key of its own never asks.
  get fingerprint() {
    return fingerprintOf(call);
  },
  idempotencyKey: call.idempotencyKey,
  headers: call.headers,
});

/** A stream was asked for, and an answer in one piece came. */
const isJson = (answer: UpstreamAnswer): boolean =>
  /^application\/json\b/i.test(String(answer.headers['content-type']));
