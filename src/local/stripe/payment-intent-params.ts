import type Stripe from 'stripe';
import { findPaymentMethod } from './card';
import { type Params } from './params';
import { type Simulation } from './simulation';
import { badParameter, noSuch } from './stripe-fault';

/** Stripe's minimum for US dollars (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts). */
export const MINIMUM_AMOUNT = 50;

/** `amount`, in the smallest unit. */
export function readAmount(params: Params): number {
  const amount = params.integer('amount', 1);
  if (amount < MINIMUM_AMOUNT) {
    const message = `Amount must be at least ${MINIMUM_AMOUNT} of the smallest currency unit.`;
    throw badParameter('amount_too_small', message, 'amount');
  }
  return amount;
}

/** `payment_method`, which must be free or belong to the customer who pays; nothing when it was not sent. */
export function readMethod(sim: Simulation, params: Params, customer: string | null): Stripe.PaymentMethod | undefined {
  const id = params.optional('payment_method');
  if (!id) return undefined;
  const method = findPaymentMethod(sim, id);
  if (method === undefined) throw noSuch('PaymentMethod', id, 'payment_method');
  if (method.customer !== null && method.customer !== customer) {
    const message = `The provided PaymentMethod (${method.id}) belongs to a customer. Pass the same customer with the payment.`;
    throw badParameter('payment_method_unexpected_state', message, 'payment_method');
  }
  return method;
}
