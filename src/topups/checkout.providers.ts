import { BankDebits } from './bank-debits.service';
import { BalanceController } from './balance.controller';
import { Balances } from './balances.service';
import { CardPaymentsService } from './card-payments.service';
import { ChargeSource } from './charge-source.service';
import { CheckoutEvents } from './checkout-events.service';
import { PaidChargesClient } from './paid-charges.client';
import { StripeFeeProcessor } from './stripe-fee.processor';
import { StripeCustomers } from './stripe-customers.service';
import { StripeClient } from './stripe.client';
import { TopUpPagesController } from './topup-pages.controller';
import { TopUpsController } from './topups.controller';
import type { TopUpsPart } from './topups-part.providers';
import { TopUpsService } from './topups.service';

export const CHECKOUT: TopUpsPart = {
  providers: [
    StripeClient,
    StripeCustomers,
    TopUpsService,
    Balances,
    CardPaymentsService,
    StripeFeeProcessor,
    CheckoutEvents,
    PaidChargesClient,
    ChargeSource,
    BankDebits,
  ],
  controllers: [TopUpsController, BalanceController, TopUpPagesController],
  exports: [TopUpsService],
};
