import { Module } from '@nestjs/common';
import { CustomersModule } from '../customers/customers.module';
import { LedgerModule } from '../ledger/ledger.module';
import { BalanceController } from './balance.controller';
import { CardPaymentsService } from './card-payments.service';
import { StripeWebhookController } from './stripe-webhook.controller';
import { StripeWebhookService } from './stripe-webhook.service';
import { StripeFeeProcessor } from './stripe-fee.processor';
import { StripeClient } from './stripe.client';
import { TopUpPagesController } from './topup-pages.controller';
import { TopUpsController } from './topups.controller';
import { TopUpsService } from './topups.service';

@Module({
  imports: [CustomersModule, LedgerModule],
  controllers: [TopUpsController, BalanceController, StripeWebhookController, TopUpPagesController],
  providers: [StripeClient, TopUpsService, CardPaymentsService, StripeFeeProcessor, StripeWebhookService],
  exports: [TopUpsService],
})
export class TopUpsModule {}
