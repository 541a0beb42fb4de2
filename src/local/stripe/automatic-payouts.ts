import type Stripe from 'stripe';
import { accountOf } from './account';
import { createPayout } from './payout-lifecycle';
import { NOBODY, type Simulation } from './simulation';

const DAY = 86_400;
/** A minute after midnight: what turns available at midnight is paid out. */
const MINUTE = 60;

/** The next daily run goes on the agenda; once, however often this is called. */
export function planDailyPayout(sim: Simulation): void {
  const now = sim.now();
  sim.agenda.plan('daily_payout', '', now - (now % DAY) + DAY + MINUTE, 'daily_payout');
}

/** The daily run, when the schedule is daily. */
export function payOutDaily(sim: Simulation): void {
  planDailyPayout(sim);
  if (accountOf(sim.store).payoutSchedule === 'daily') payOutAutomatically(sim);
}

/**
 * Pays out what is available and was in no automatic payout yet, per currency. What is zero stays for the next run; so
 * does what is less, unless the bank is to be debited: https://docs.stripe.com/payouts#negative-payouts
 */
export function payOutAutomatically(sim: Simulation): Stripe.Payout[] {
  const paidOut = new Set(sim.store.all('payout_contents').flatMap(({ transactions }) => transactions));
  const open = sim.store
    .all('balance_transactions')
    .filter(({ id, status }) => status === 'available' && !paidOut.has(id));
  const currencies = [...new Set(open.map(({ currency }) => currency))];
  return currencies.flatMap((currency) => {
    const own = open.filter((row) => row.currency === currency);
    const amount = own.reduce((sum, { net }) => sum + net, 0);
    if (amount === 0 || (amount < 0 && !accountOf(sim.store).debitNegativeBalances)) return [];
    const fields = {
      ...{ amount, currency, description: 'STRIPE PAYOUT', metadata: {}, method: 'standard' as const },
      ...{ statementDescriptor: null, contents: own.map(({ id }) => id) },
    };
    return [createPayout(sim, fields, NOBODY)];
  });
}
