import { accountOf, changeAccount } from './account';
import { payOutDaily } from './automatic-payouts';
import { afterCharge } from './card-holder-complaints';
import { ripenBalance } from './balance';
import { expireDueSession } from './checkout-sessions';
import { disputeDue, disputeVerdict } from './dispute-lifecycle';
import { payoutArrives, payoutReconciled, payoutSent } from './payout-lifecycle';
import { settleRefundLater } from './refund-lifecycle';
import { type Simulation } from './simulation';
import { type Occasion } from './tables';
import { badParameter } from './stripe-fault';

/** Each looks first whether its object still waits for it. */
const HAPPENS: Record<Occasion, (sim: Simulation, object: string) => void> = {
  after_charge: afterCharge,
  daily_payout: payOutDaily,
  dispute_due: disputeDue,
  dispute_verdict: disputeVerdict,
  funds_available: ripenBalance,
  payout_arrives: payoutArrives,
  payout_reconciled: payoutReconciled,
  payout_sent: payoutSent,
  refund_fails: (sim, refund) => settleRefundLater(sim, refund, 'failed'),
  refund_succeeds: (sim, refund) => settleRefundLater(sim, refund, 'succeeded'),
  session_expires: expireDueSession,
};

/** Lets everything happen whose time has come, one after another, each at its own time. */
export function passTime(sim: Simulation): void {
  const until = sim.now();
  for (let due = sim.agenda.take(until); due !== undefined; due = sim.agenda.take(until)) {
    const { at, occasion, object } = due;
    sim.at(at, () => HAPPENS[occasion](sim, object));
  }
}

/** Moves the account's clock to `time` (Unix seconds); it runs on from there. Throws 400 when that is in the past. */
export function advanceTo(sim: Simulation, time: number): void {
  const ahead = time - sim.now();
  if (ahead < 0) throw badParameter('parameter_invalid', 'The clock only goes forward.', 'frozen_time');
  changeAccount(sim.store, { clockOffset: accountOf(sim.store).clockOffset + ahead });
  passTime(sim);
  sim.webhooks.hurry(ahead * 1000);
}
