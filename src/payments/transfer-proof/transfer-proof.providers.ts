import type { PaymentsPart } from '../payments-part.providers';
import { ProofCheck } from './proof-check.service';
import { TransferAdmission } from './transfer-admission.service';
import { TransferBooks } from './transfer-books.service';
import { TransferFinder } from './transfer-finder.service';
import { TransferOffers } from './transfer-offers.service';
import { TransferProofScheme } from './transfer-proof.scheme';
import { TransferRecovery } from './transfer-recovery.service';

export const TRANSFER_PROOF: PaymentsPart = {
  schemes: [TransferProofScheme],
  providers: [TransferOffers, ProofCheck, TransferAdmission, TransferBooks, TransferFinder, TransferRecovery],
};
