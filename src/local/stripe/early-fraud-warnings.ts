import type Stripe from 'stripe';
import { newId } from './ids';
import { listPage } from './list-page';
import { type Call, type Route } from './route';
import { type Caller, NOBODY, type Simulation } from './simulation';
import { noSuch } from './stripe-fault';

/** https://docs.stripe.com/api/radar/early_fraud_warnings */
export const earlyFraudWarningRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/radar/early_fraud_warnings', handle: list },
  { method: 'GET', path: '/v1/radar/early_fraud_warnings/:id', handle: retrieve },
];

/** The card's bank tells of fraud before anybody disputes; announced. */
export function warnOfFraud(
  sim: Simulation,
  charge: Stripe.Charge,
  fraudType = 'unauthorized_use_of_card',
): Stripe.Radar.EarlyFraudWarning {
  const warning = sim.store.put('early_fraud_warnings', {
    id: newId('issfr'),
    object: 'radar.early_fraud_warning',
    actionable: !charge.refunded && !charge.disputed,
    charge: charge.id,
    created: sim.now(),
    fraud_type: fraudType,
    livemode: false,
    ...(charge.payment_intent !== null && { payment_intent: charge.payment_intent }),
  });
  sim.emit(NOBODY, 'radar.early_fraud_warning.created', warning);
  return warning;
}

/** A refund or a dispute leaves nothing to act upon. */
export function endWarningsOf(sim: Simulation, charge: string, caller: Caller): void {
  for (const warning of sim.store.all('early_fraud_warnings')) {
    if (warning.charge !== charge || !warning.actionable) continue;
    warning.actionable = false;
    sim.store.put('early_fraud_warnings', warning);
    sim.emit(caller, 'radar.early_fraud_warning.updated', warning, { actionable: true });
  }
}

function retrieve({ sim, params, id }: Call): Stripe.Radar.EarlyFraudWarning {
  params.only();
  const warning = sim.store.get('early_fraud_warnings', id);
  if (warning === undefined) throw noSuch('early_fraud_warning', id, 'early_fraud_warning', 404);
  return warning;
}

function list(call: Call): object {
  const wanted = (['charge', 'payment_intent'] as const).map((field) => [field, call.params.optional(field)] as const);
  const rows = call.sim.store
    .all('early_fraud_warnings')
    .filter((row) => wanted.every(([field, value]) => !value || row[field] === value));
  return listPage(call, rows, ['charge', 'created', 'payment_intent']);
}
