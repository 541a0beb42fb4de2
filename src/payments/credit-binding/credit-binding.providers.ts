import type { PaymentsPart } from '../payments-part.providers';
import { BindingAdmission } from './binding-admission.service';
import { BindingReconciler } from './binding-reconciler.service';
import { BindingSettlement } from './binding-settlement.service';
import { CreditBindingScheme } from './credit-binding.scheme';

/** The selling side of the `credit` binding: it knows of the authority what `credit-authority.ts` says. */
export const CREDIT_BINDING: PaymentsPart = {
  schemes: [CreditBindingScheme],
  providers: [BindingAdmission, BindingSettlement, BindingReconciler],
};
