import { Inject, Injectable } from '@nestjs/common';
import type { Money } from '../../common/money';
import { CONFIG } from '../../config/config.module';
import type { Config } from '../../config/config';
import type { Claim, KeptAnswer } from '../claim';
import { GAS_SPONSORING } from '../gas-sponsoring';
import type {
  CaptureOutcome,
  Delivery,
  Failure,
  Hold,
  HoldOutcome,
  PaymentPayload,
  PaymentRequirements,
  PaymentScheme,
  RequestHeaders,
  Work,
} from '../payment-scheme';
import type { UnreadablePayment } from '../payment-envelope';
import { ChannelAdmission } from './channel-admission.service';
import { ChannelAuthorizers } from './channel-authorizers.service';
import { ChannelCapture } from './channel-capture.service';
import type { ChannelHold } from './channel-hold';
import { BATCH_SETTLEMENT_SCHEME, type ChannelPayment, findChannelPayment, forgeryOf } from './channel-payment';
import { ChannelRefunds } from './channel-refunds.service';
import { channelRefusal } from './channel-refusal';
import { channelRequirements } from './channel-requirements';

/**
 * x402 `batch-settlement` on EVM: the payer deposits once, signs a cumulative voucher for each call, and what was
 * delivered is claimed later, many channels in one transaction. A call needs no chain.
 */
@Injectable()
export class ChannelsScheme implements PaymentScheme {
  readonly name = BATCH_SETTLEMENT_SCHEME;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly admission: ChannelAdmission,
    private readonly captures: ChannelCapture,
    private readonly refunds: ChannelRefunds,
    private readonly authorizers: ChannelAuthorizers,
  ) {}

  requirements(work: Pick<Work, 'quote'>): readonly PaymentRequirements[] {
    return this.rows(work.quote.ceiling);
  }

  /** The rows for any price, such as those of a refund. */
  rows(ceiling: Money): readonly PaymentRequirements[] {
    const { timeoutMs } = this.config.upstream;
    return this.authorizers
      .all()
      .flatMap(({ network, address }) => channelRequirements(network, address, ceiling, timeoutMs) ?? []);
  }

  /** A payer without ETH has its approval of Permit2 sent along with the deposit. */
  extensions(): Readonly<Record<string, unknown>> {
    const takesPermits = this.authorizers.all().some(({ network }) => network.channels?.depositMethod === 'permit2');
    return takesPermits ? GAS_SPONSORING : {};
  }

  find(headers: RequestHeaders): PaymentPayload | undefined {
    return this.authorizers.all().length > 0 ? findChannelPayment(headers) : undefined;
  }

  async prove(payment: PaymentPayload, work: Work): Promise<string | undefined> {
    const given = payment as ChannelPayment | UnreadablePayment;
    if ('refusal' in given) return undefined;
    const required = this.requiredOf(given, work.quote.ceiling);
    if (!required || forgeryOf(given, required)) return undefined;
    // Anybody can write a configuration with somebody else's address in it: only the key that signed is proven.
    return given.config.payerAuthorizer === given.config.payer ? given.config.payer : undefined;
  }

  answerTo(claim: Claim): KeptAnswer | undefined {
    return claim.answer;
  }

  async hold(payment: PaymentPayload, work: Work): Promise<HoldOutcome> {
    const given = payment as ChannelPayment | UnreadablePayment;
    if ('refusal' in given) return { kind: 'refused', refusal: given.refusal };
    const required = this.requiredOf(given, work.quote.ceiling);
    if (!required) return { kind: 'refused', refusal: channelRefusal('network_mismatch') };
    return given.refund ? this.refunds.answer(given, required) : this.admission.admit(given, required, work);
  }

  async capture(hold: Hold, delivery: Delivery): Promise<CaptureOutcome> {
    return this.captures.capture(hold as ChannelHold, delivery);
  }

  async release(hold: Hold, failure: Failure): Promise<void> {
    return this.captures.release(hold as ChannelHold, failure);
  }

  private requiredOf({ accepted }: ChannelPayment, ceiling: Money): PaymentRequirements | undefined {
    return this.rows(ceiling).find(({ network }) => network === accepted.network);
  }
}
