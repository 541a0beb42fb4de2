import type { PaymentsPart } from '../payments-part.providers';
import { CreditCapture } from './credit-capture.service';
import { CreditRecovery } from './credit-recovery.service';
import { CreditScheme } from './credit.scheme';

export const CREDIT: PaymentsPart = { schemes: [CreditScheme], providers: [CreditCapture, CreditRecovery] };
