import type Stripe from 'stripe';
import { type Caller, type Simulation } from './simulation';

/** Gives the card to the customer, announced; nothing happens when it is theirs already. */
export function attachTo(sim: Simulation, method: Stripe.PaymentMethod, customer: string, caller: Caller): void {
  if (method.customer === customer) return;
  method.customer = customer;
  sim.store.put('payment_methods', method);
  sim.emit(caller, 'payment_method.attached', method);
}

/** Takes the card from its customer, also as the default; announced. */
export function detach(sim: Simulation, method: Stripe.PaymentMethod, customer: string, caller: Caller): void {
  method.customer = null;
  sim.store.put('payment_methods', method);
  const owner = sim.store.get('customers', customer);
  if (owner?.deleted !== true && owner?.invoice_settings.default_payment_method === method.id) {
    owner.invoice_settings.default_payment_method = null;
    sim.store.put('customers', owner);
  }
  sim.emit(caller, 'payment_method.detached', method, { customer });
}
