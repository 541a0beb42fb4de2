import { cardBehaviour } from './card';
import { openDispute } from './dispute-lifecycle';
import { warnOfFraud } from './early-fraud-warnings';
import { type Simulation } from './simulation';

/** What the magic card behind a charge has its holder or their bank do next. */
export function afterCharge(sim: Simulation, id: string): void {
  const charge = sim.store.get('charges', id);
  const method = sim.store.get('payment_methods', charge?.payment_method ?? '');
  if (charge === undefined || method === undefined) return;
  const amount = charge.amount - charge.amount_refunded;
  switch (cardBehaviour(sim, method).afterwards) {
    case 'dispute':
      openDispute(sim, charge, { amount, reason: 'fraudulent', inquiry: false });
      return;
    case 'dispute_not_received':
      openDispute(sim, charge, { amount, reason: 'product_not_received', inquiry: false });
      return;
    case 'inquiry':
      openDispute(sim, charge, { amount, reason: 'fraudulent', inquiry: true });
      return;
    case 'early_fraud_warning':
      warnOfFraud(sim, charge);
      return;
    case undefined:
  }
}
