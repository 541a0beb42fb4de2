import type Stripe from 'stripe';
import { requireCustomer } from './customers';
import { newId } from './ids';
import { listPage } from './list-page';
import { type Call, type Route } from './route';
import { type Caller, type Simulation } from './simulation';
import { noSuch } from './stripe-fault';

/** https://docs.stripe.com/api/tax_ids, those of customers */
export const taxIdRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/customers/:id/tax_ids', handle: create },
  { method: 'GET', path: '/v1/customers/:id/tax_ids', handle: list },
  { method: 'DELETE', path: '/v1/customers/:customer/tax_ids/:id', handle: remove },
];

/** A tax id that nobody verifies, announced. */
export function addTaxId(
  sim: Simulation,
  customer: string,
  fields: { type: string; value: string },
  caller: Caller,
): Stripe.TaxId {
  const taxId = sim.store.put('tax_ids', {
    id: newId('txi'),
    object: 'tax_id',
    country: /^[A-Z]{2}/.exec(fields.value)?.[0] ?? null,
    created: sim.now(),
    customer,
    customer_account: null,
    livemode: false,
    owner: { customer, customer_account: null, type: 'customer' },
    ...fields,
    verification: { status: 'pending', verified_address: null, verified_name: null },
  });
  sim.emit(caller, 'customer.tax_id.created', taxId);
  return taxId;
}

export function taxIdsOf(sim: Simulation, customer: string | null): Stripe.TaxId[] {
  return sim.store.all('tax_ids').filter((row) => row.customer === customer);
}

function create({ sim, params, id, caller }: Call): Stripe.TaxId {
  params.only('type', 'value');
  const customer = requireCustomer(sim, id, 'customer', 404);
  return addTaxId(sim, customer.id, { type: params.string('type'), value: params.string('value') }, caller);
}

function list(call: Call): object {
  return listPage(call, taxIdsOf(call.sim, requireCustomer(call.sim, call.id, 'customer', 404).id));
}

function remove({ sim, params, id, path, caller }: Call): Stripe.DeletedTaxId {
  params.only();
  const taxId = sim.store.get('tax_ids', id);
  if (taxId === undefined || taxId.customer !== path.split('/')[3]) throw noSuch('tax_id', id, 'id', 404);
  sim.store.remove('tax_ids', id);
  sim.emit(caller, 'customer.tax_id.deleted', taxId);
  return { id, object: 'tax_id', deleted: true };
}
