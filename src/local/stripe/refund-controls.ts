import { requireCharge } from './charges';
import { type Control } from './control';
import { returnDebit } from './payment-lifecycle';
import { refundCharge, settleRefund } from './refund-lifecycle';
import { requireRefund } from './refunds';
import { NOBODY } from './simulation';

const REASONS = ['duplicate', 'fraudulent', 'requested_by_customer'] as const;

/** Refunds that somebody starts in the dashboard, and what banks make of them. */
export const refundControls: readonly Control[] = [
  {
    path: 'charges/:id/refund',
    press: ({ sim, id, body }) => {
      body.only('amount', 'reason', 'status');
      const status = body.oneOf('status', ['pending', 'succeeded'] as const);
      const fields = {
        amount: body.integer('amount', 1),
        reason: body.oneOf('reason', REASONS) ?? null,
        metadata: {},
        ...(status && { status }),
      };
      return refundCharge(sim, requireCharge(sim, id), fields, NOBODY);
    },
  },
  {
    path: 'charges/:id/return',
    press: ({ sim, id }) => {
      const charge = requireCharge(sim, id);
      returnDebit(sim, charge);
      sim.emit(NOBODY, 'charge.failed', charge);
      return charge;
    },
  },
  {
    path: 'refunds/:id/settle',
    press: ({ sim, id, body }) => {
      const end = body
        .only('failure_reason', 'outcome')
        .required('outcome', ['succeeded', 'failed', 'canceled'] as const);
      const refund = requireRefund(sim, id);
      settleRefund(sim, refund, end, body.string('failure_reason'));
      return refund;
    },
  },
];
