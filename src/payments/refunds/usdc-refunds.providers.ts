import type { PaymentsPart } from '../payments-part.providers';
import { RefundablePayments } from './refundable-payments.service';
import { UsdcRefundBooks } from './usdc-refund-books.service';
import { UsdcRefundEnds } from './usdc-refund-ends.service';
import { UsdcRefundLimits } from './usdc-refund-limits.service';
import { UsdcRefundStore } from '../usdc-refund-store.service';
import { UsdcRefundsAdminController } from '../usdc-refunds.admin.controller';
import { UsdcRefunds } from '../usdc-refunds.service';

export const USDC_REFUNDS: PaymentsPart = {
  providers: [RefundablePayments, UsdcRefundBooks, UsdcRefundEnds, UsdcRefundLimits, UsdcRefundStore, UsdcRefunds],
  controllers: [UsdcRefundsAdminController],
};
