import type Stripe from 'stripe';
import { idOf } from './ids';
import { taxOn, taxRate } from './tax-rates';
import { taxIdsOf } from './tax-ids';
import { registeredPlaces } from './tax-registrations';
import { type Simulation } from './simulation';

/**
 * Counts the session anew: its items, the tax of where its payer lives, and the total. Without an address nothing is
 * known yet; without a registration there is no tax. https://docs.stripe.com/tax/checkout
 */
export function countSession(sim: Simulation, session: Stripe.Checkout.Session): void {
  const plan = sim.store.get('session_plans', session.id);
  if (plan === undefined) return;
  const rate = rateOf(sim, session);
  for (const item of plan.items) {
    const inclusive = item.price.tax_behavior === 'inclusive';
    item.amount_tax = taxOn(item.amount_subtotal, rate ?? 0, inclusive);
    item.amount_total = item.amount_subtotal + (inclusive ? 0 : item.amount_tax);
  }
  const sum = (field: 'amount_subtotal' | 'amount_tax' | 'amount_total') =>
    plan.items.reduce((total, item) => total + item[field], 0);
  session.amount_subtotal = sum('amount_subtotal');
  session.amount_total = sum('amount_total');
  session.total_details = { amount_discount: 0, amount_shipping: 0, amount_tax: sum('amount_tax') };
  if (session.automatic_tax.enabled) {
    session.automatic_tax.status = rate === undefined ? 'requires_location_inputs' : 'complete';
  }
  sim.store.put('session_plans', plan);
  sim.store.put('sessions', session);
}

/** In hundredths of a percent; nothing when it cannot be known yet. */
function rateOf(sim: Simulation, session: Stripe.Checkout.Session): number | undefined {
  if (!session.automatic_tax.enabled) return 0;
  const customer = sim.store.get('customers', idOf(session.customer) ?? '');
  const known = customer?.deleted === true ? undefined : customer;
  const address = session.customer_details?.address ?? known?.address;
  if (!address?.country) return undefined;
  const payer = {
    country: address.country.toUpperCase(),
    state: address.state?.toUpperCase() ?? null,
    exempt: known?.tax_exempt ?? 'none',
    hasTaxId: (session.customer_details?.tax_ids ?? []).length > 0 || taxIdsOf(sim, known?.id ?? '').length > 0,
  } as const;
  return taxRate({ ...payer, exempt: exemptionOf(payer.exempt) }, registeredPlaces(sim));
}

const exemptionOf = (value: string): 'exempt' | 'none' | 'reverse' =>
  value === 'exempt' || value === 'reverse' ? value : 'none';
