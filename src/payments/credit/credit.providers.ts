import type { PaymentsPart } from '../payments-part.providers';
import { CreditCapture } from './credit-capture.service';
import { CreditRecovery } from './credit-recovery.service';
import { CreditReservation } from './credit-reservation.service';
import { CreditScheme } from './credit.scheme';
import { LeggedCredit } from './legged-credit.service';
import { RefusedCredit } from './refused-credit.service';

export const CREDIT: PaymentsPart = {
  schemes: [CreditScheme],
  providers: [CreditCapture, CreditRecovery, CreditReservation, LeggedCredit, RefusedCredit],
};
