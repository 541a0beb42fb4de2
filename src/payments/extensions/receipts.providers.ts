import type { PaymentsPart } from '../payments-part.providers';
import { ChargeReceiptExtension } from './charge-receipt.extension';
import { OfferReceiptExtension } from './offer-receipt.extension';
import { ReceiptIssuer } from './receipt-issuer.service';

/** Signed offers and receipts. */
export const RECEIPTS: PaymentsPart = {
  extensions: [OfferReceiptExtension, ChargeReceiptExtension],
  providers: [ReceiptIssuer],
};
