import { Module } from '@nestjs/common';
import { PaymentsModule } from '../payments/payments.module';
import { PricingModule } from '../pricing/pricing.module';
import { InferenceController } from './inference.controller';
import { ModelsController } from './models.controller';
import { PaidCallService } from './paid-call.service';
import { RunningCalls } from './running-calls.service';
import { StreamRelay } from './stream-relay.service';
import { UpstreamClient } from './upstream.client';

@Module({
  imports: [PricingModule, PaymentsModule],
  controllers: [InferenceController, ModelsController],
  providers: [PaidCallService, RunningCalls, StreamRelay, UpstreamClient],
  exports: [RunningCalls],
})
export class GatewayModule {}
