import type { PaymentsPart } from '../payments-part.providers';
import { UptoAdmission } from './upto-admission.service';
import { UptoReconciler } from './upto-reconciler.service';
import { UptoSettlement } from './upto-settlement.service';
import { UptoVerification } from './upto-verification.service';
import { UptoScheme } from './upto.scheme';

export const UPTO: PaymentsPart = {
  schemes: [UptoScheme],
  providers: [UptoAdmission, UptoReconciler, UptoSettlement, UptoVerification],
};
