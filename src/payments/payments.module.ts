import { Module } from '@nestjs/common';
import { CustomersModule } from '../customers/customers.module';
import { EvmModule } from '../evm/evm.module';
import { LedgerModule } from '../ledger/ledger.module';
import { MeteringModule } from '../metering/metering.module';
import { ClaimLeases } from './claim-leases.service';
import { ClaimsService } from './claims.service';
import { NetworksService } from './chain/networks.service';
import { Settler } from './chain/settler.service';
import { CreditCapture } from './credit/credit-capture.service';
import { CreditRecovery } from './credit/credit-recovery.service';
import { CreditScheme } from './credit/credit.scheme';
import { ExactAdmission } from './exact/exact-admission.service';
import { ExactChain } from './exact/exact-chain.service';
import { ExactReconciler } from './exact/exact-reconciler.service';
import { ExactSettlement } from './exact/exact-settlement.service';
import { ExactVerification } from './exact/exact-verification.service';
import { ExactScheme } from './exact/exact.scheme';
import { TopUpBooks } from './exact/topup-books.service';
import { UsdcTopUpService } from './exact/usdc-topup.service';
import { FacilitatorClient } from './facilitator.client';
import { HotWallet } from './hot-wallet.service';
import { UsdcTopUpsController } from './usdc-topups.controller';
import type { PaymentScheme } from './payment-scheme';
import { PAYMENT_SCHEMES, PaymentSchemesService } from './payment-schemes.service';

@Module({
  imports: [LedgerModule, CustomersModule, EvmModule, MeteringModule],
  controllers: [UsdcTopUpsController],
  providers: [
    ClaimLeases,
    ClaimsService,
    CreditCapture,
    CreditRecovery,
    CreditScheme,
    ExactScheme,
    ExactAdmission,
    ExactVerification,
    ExactSettlement,
    ExactChain,
    ExactReconciler,
    FacilitatorClient,
    HotWallet,
    NetworksService,
    Settler,
    UsdcTopUpService,
    TopUpBooks,
    {
      provide: PAYMENT_SCHEMES,
      // In the order in which a request's headers are searched for a payment.
      useFactory: (...schemes: PaymentScheme[]): PaymentScheme[] => schemes,
      inject: [ExactScheme, CreditScheme],
    },
    PaymentSchemesService,
  ],
  exports: [PaymentSchemesService],
})
export class PaymentsModule {}
