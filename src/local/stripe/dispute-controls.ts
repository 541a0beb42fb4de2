import { requireCharge } from './charges';
import { type Control } from './control';
import { moveDispute, openDispute, reinstateFunds, winDispute, withdrawFunds } from './dispute-lifecycle';
import { requireDispute } from './disputes';
import { warnOfFraud } from './early-fraud-warnings';
import { NOBODY } from './simulation';

/** What card holders and their banks do about a charge. */
export const disputeControls: readonly Control[] = [
  {
    path: 'charges/:id/dispute',
    press: ({ sim, id, body }) => {
      body.only('amount', 'inquiry', 'reason', 'withdraw');
      const charge = requireCharge(sim, id);
      const inquiry = body.boolean('inquiry') ?? false;
      const amount = body.integer('amount', 1) ?? charge.amount - charge.amount_refunded;
      const reason = body.string('reason') ?? 'fraudulent';
      return openDispute(sim, charge, { amount, reason, inquiry }, body.boolean('withdraw') ?? !inquiry);
    },
  },
  {
    path: 'charges/:id/early_fraud_warning',
    press: ({ sim, id, body }) =>
      warnOfFraud(sim, requireCharge(sim, id), body.only('fraud_type').string('fraud_type')),
  },
  {
    path: 'disputes/:id/withdraw',
    press: ({ sim, id }) => {
      const dispute = requireDispute(sim, id);
      withdrawFunds(sim, dispute);
      return dispute;
    },
  },
  {
    path: 'disputes/:id/reinstate',
    press: ({ sim, id, body }) => {
      const amount = body.only('amount').integer('amount', 1);
      const dispute = requireDispute(sim, id);
      reinstateFunds(sim, dispute, amount);
      return dispute;
    },
  },
  ...(['review', 'escalate'] as const).map((move): Control => ({
    path: `disputes/:id/${move}`,
    press: ({ sim, id }) => {
      const dispute = requireDispute(sim, id);
      moveDispute(sim, dispute, move, NOBODY);
      return dispute;
    },
  })),
  {
    path: 'disputes/:id/close',
    press: ({ sim, id, body }) => {
      const outcome = body.only('outcome', 'reinstate').required('outcome', ['won', 'lost', 'warning_closed'] as const);
      const dispute = requireDispute(sim, id);
      if (outcome === 'won') winDispute(sim, dispute, body.boolean('reinstate') ?? true);
      else moveDispute(sim, dispute, outcome === 'lost' ? 'lose' : 'warn_close', NOBODY);
      return dispute;
    },
  },
];
