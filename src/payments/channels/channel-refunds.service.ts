import { Injectable } from '@nestjs/common';
import type { HoldOutcome, PaymentRequirements } from '../payment-scheme';
import type { ChannelPayment } from './channel-payment';
import { channelRefusal } from './channel-refusal';

@Injectable()
export class ChannelRefunds {
  async answer(_payment: ChannelPayment, _required: PaymentRequirements): Promise<HoldOutcome> {
    return { kind: 'refused', refusal: channelRefusal('refund_no_balance') };
  }
}
