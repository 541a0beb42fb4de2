import type { PaymentsPart } from '../payments-part.providers';
import { IdentifiedPayments } from './identified-payments.service';
import { IdentifiersStore } from './identifiers-store.service';
import { PaymentIdentifierExtension } from './payment-identifier.extension';

export const PAYMENT_IDENTIFIERS: PaymentsPart = {
  extensions: [PaymentIdentifierExtension],
  providers: [IdentifiedPayments, IdentifiersStore],
};
