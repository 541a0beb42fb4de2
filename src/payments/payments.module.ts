import { Module } from '@nestjs/common';
import { CustomersModule } from '../customers/customers.module';
import { LedgerModule } from '../ledger/ledger.module';
import { ClaimsService } from './claims.service';
import { CreditScheme } from './credit/credit.scheme';
import type { PaymentScheme } from './payment-scheme';
import { PAYMENT_SCHEMES, PaymentSchemesService } from './payment-schemes.service';

@Module({
  imports: [LedgerModule, CustomersModule],
  providers: [
    ClaimsService,
    CreditScheme,
    {
      provide: PAYMENT_SCHEMES,
      // In the order in which a request's headers are searched for a payment.
      useFactory: (...schemes: PaymentScheme[]): PaymentScheme[] => schemes,
      inject: [CreditScheme],
    },
    PaymentSchemesService,
  ],
  exports: [PaymentSchemesService],
})
export class PaymentsModule {}
