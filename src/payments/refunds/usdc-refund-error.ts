import { BillingError } from '../../common/billing-error';
import { formatMoney, usdc } from '../../common/money';

/** A payment in USDC that may not go back, or not so: 409. */
export class UsdcRefundRefusedError extends BillingError {
  /** @param refundable How much may, in micro-USDC. */
  constructor(code: keyof typeof SENTENCES, refundable?: bigint) {
    const { detail, hint } = SENTENCES[code];
    const members = refundable === undefined ? {} : { refundable: formatMoney(usdc(refundable)), currency: 'USDC' };
    super({ code, status: 409, title: 'No refund', detail, hint, members });
  }
}

const SENTENCES = {
  not_paid_in_usdc: {
    detail: 'This call was paid from prepaid credit in USD.',
    hint: 'Give credit instead, or refund the top-up by card that paid for it.',
  },
  payment_not_settled: {
    detail: 'What was paid has not arrived, or is not on the chain any more.',
    hint: 'Wait until the payment is settled; one that never arrives has nothing that could go back.',
  },
  refund_exceeds_payment: {
    detail: 'More than is left of this payment, after what went back already.',
    hint: 'Ask for at most refundable.',
  },
  refund_exceeds_unused: {
    detail: 'More than is left unused of this payment.',
    hint: 'Ask for at most refundable; of a top-up of a USD balance, force it: what is used up then is owed.',
  },
  nothing_to_refund: {
    detail: 'Nothing is left of this payment that could go back.',
    hint: 'Look at GET /admin/usdc-refunds; of a top-up, force says that used credit goes back, too.',
  },
  already_on_balance: {
    detail: 'What is left of this payment is the balance of the wallet already.',
    hint: 'Send it to the payer.',
  },
  payment_owed: {
    detail: 'The wallet owes for an earlier call: what it gets repays that first.',
    hint: 'Give the refund to the balance, or write off what is owed.',
  },
  other_network: {
    detail: 'The payment came on another network, and goes back on that one.',
    hint: 'Leave network out.',
  },
} as const;
