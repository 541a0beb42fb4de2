import type { PaymentsPart } from '../payments-part.providers';
import { UsdcTopUpsController } from '../usdc-topups.controller';
import { ExactAdmission } from './exact-admission.service';
import { ExactBooks } from './exact-books.service';
import { ExactCapture } from './exact-capture.service';
import { ExactChain } from './exact-chain.service';
import { ExactFacilitator } from './exact-facilitator.service';
import { ExactPromises } from './exact-promises.service';
import { ExactReconciler } from './exact-reconciler.service';
import { ExactSettlement } from './exact-settlement.service';
import { ExactVerification } from './exact-verification.service';
import { ExactScheme } from './exact.scheme';
import { HostedFacilitators } from './hosted-facilitators.client';
import { TopUpBooks } from './topup-books.service';
import { UsdcTopUpService } from './usdc-topup.service';

export const EXACT: PaymentsPart = {
  schemes: [ExactScheme],
  providers: [
    ExactAdmission,
    ExactVerification,
    ExactFacilitator,
    HostedFacilitators,
    ExactSettlement,
    ExactChain,
    ExactBooks,
    ExactCapture,
    ExactPromises,
    ExactReconciler,
    UsdcTopUpService,
    TopUpBooks,
  ],
  controllers: [UsdcTopUpsController],
};
