import { Module } from '@nestjs/common';
import { BudgetsModule } from '../budgets/budgets.module';
import { CreditsModule } from '../credits/credits.module';
import { CustomersModule } from '../customers/customers.module';
import { LedgerModule } from '../ledger/ledger.module';
import { MeteringModule } from '../metering/metering.module';
import { PricingModule } from '../pricing/pricing.module';
import { AUTHORITY } from './authority/authority.providers';
import { ClaimLeases } from './claim-leases.service';
import { ClaimsService } from './claims.service';
import { CHAIN } from './chain/chain.providers';
import { CHAIN_WATCH } from './chain-watch/chain-watch.providers';
import { ChainReconciliation } from './chain-watch/chain-reconciliation.service';
import { CREDIT_BINDING } from './credit-binding/credit-binding.providers';
import { CHANNELS } from './channels/channels.providers';
import { CREDIT } from './credit/credit.providers';
import { DISCOVERY } from './discovery/discovery.providers';
import { EXACT } from './exact/exact.providers';
import { RECEIPTS } from './extensions/receipts.providers';
import { FACILITATOR } from './facilitator/facilitator.providers';
import { Exposures } from './exposures.service';
import { NetworkFees } from './network-fees.service';
import type { PaymentExtension } from './payment-extension';
import { PAYMENT_EXTENSIONS, PaymentExtensions } from './payment-extensions.service';
import { PAYMENT_IDENTIFIERS } from './payment-identifier/payment-identifier.providers';
import type { PaymentScheme } from './payment-scheme';
import { PAYMENT_SCHEMES, PaymentSchemesService } from './payment-schemes.service';
import type { PaymentsPart } from './payments-part.providers';
import { Repeats } from './repeats.service';
import { UsdcRefundStore } from './usdc-refund-store.service';
import { USDC_REFUNDS } from './refunds/usdc-refunds.providers';
import { REVERSALS } from './reversals/reversals.providers';
import { TRANSFER_PROOF } from './transfer-proof/transfer-proof.providers';
import { UPTO } from './upto/upto.providers';
import { WALLET } from './wallet/wallet.providers';

/**
 * A line for each folder. In this order a request's headers are searched for a payment, and a 402 names the ways to pay:
 * stock clients take the first one that they know.
 */
const PARTS: readonly PaymentsPart[] = [
  CHAIN,
  EXACT,
  UPTO,
  CHANNELS,
  CREDIT_BINDING,
  TRANSFER_PROOF,
  WALLET,
  AUTHORITY,
  CREDIT,
  PAYMENT_IDENTIFIERS,
  RECEIPTS,
  FACILITATOR,
  DISCOVERY,
  REVERSALS,
  CHAIN_WATCH,
  USDC_REFUNDS,
];

const SCHEMES = PARTS.flatMap(({ schemes = [] }) => schemes);
const EXTENSIONS = PARTS.flatMap(({ extensions = [] }) => extensions);

@Module({
  imports: [LedgerModule, BudgetsModule, CreditsModule, CustomersModule, MeteringModule, PricingModule],
  controllers: PARTS.flatMap(({ controllers = [] }) => controllers),
  providers: [
    ClaimLeases,
    ClaimsService,
    Exposures,
    Repeats,
    ...SCHEMES,
    ...EXTENSIONS,
    ...PARTS.flatMap(({ providers = [] }) => providers),
    {
      provide: PAYMENT_SCHEMES,
      useFactory: (...schemes: PaymentScheme[]): PaymentScheme[] => schemes,
      inject: [...SCHEMES],
    },
    {
      provide: PAYMENT_EXTENSIONS,
      useFactory: (...extensions: PaymentExtension[]): PaymentExtension[] => extensions,
      inject: [...EXTENSIONS],
    },
    NetworkFees,
    PaymentExtensions,
    PaymentSchemesService,
  ],
  exports: [ChainReconciliation, NetworkFees, PaymentSchemesService, PaymentExtensions, UsdcRefundStore],
})
export class PaymentsModule {}
