import type Stripe from 'stripe';
import { newId } from './ids';
import { listPage } from './list-page';
import { type Call, type Route } from './route';
import { type Simulation } from './simulation';
import { noSuch } from './stripe-fault';
import { advanceTo } from './time';

const LIFE_DAYS = 30;
const DAY = 86_400;

/**
 * https://docs.stripe.com/api/test_clocks. At Stripe a clock moves the customers made on it; here it moves the whole
 * account, which has one clock.
 */
export const testClockRoutes: readonly Route[] = [
  { method: 'POST', path: '/v1/test_helpers/test_clocks', handle: create },
  {
    method: 'GET',
    path: '/v1/test_helpers/test_clocks',
    handle: (call) => listPage(call, call.sim.store.all('test_clocks')),
  },
  {
    method: 'GET',
    path: '/v1/test_helpers/test_clocks/:id',
    handle: ({ sim, params, id }) => (params.only(), requireClock(sim, id)),
  },
  { method: 'POST', path: '/v1/test_helpers/test_clocks/:id/advance', handle: advance },
  { method: 'DELETE', path: '/v1/test_helpers/test_clocks/:id', handle: remove },
];

function create({ sim, params, caller }: Call): Stripe.TestHelpers.TestClock {
  params.only('frozen_time', 'name');
  const frozen = params.integer('frozen_time', 0);
  if (frozen > sim.now()) advanceTo(sim, frozen);
  const clock = sim.store.put('test_clocks', {
    id: newId('clock'),
    object: 'test_helpers.test_clock',
    created: sim.now(),
    deletes_after: frozen + LIFE_DAYS * DAY,
    frozen_time: frozen,
    livemode: false,
    name: params.optional('name') ?? null,
    status: 'ready',
    status_details: {},
  });
  sim.emit(caller, 'test_helpers.test_clock.created', clock);
  return clock;
}

function advance({ sim, params, id, caller }: Call): Stripe.TestHelpers.TestClock {
  params.only('frozen_time');
  const clock = requireClock(sim, id);
  const target = params.integer('frozen_time', 0);
  const underway = { status: 'advancing', status_details: { advancing: { target_frozen_time: target } } } as const;
  sim.emit(caller, 'test_helpers.test_clock.advancing', { ...clock, ...underway }, { status: 'ready' });
  advanceTo(sim, target);
  Object.assign(clock, { frozen_time: target, status: 'ready', status_details: {} });
  sim.store.put('test_clocks', clock);
  sim.emit(caller, 'test_helpers.test_clock.ready', clock, { status: 'advancing' });
  return clock;
}

function remove({ sim, params, id }: Call): Stripe.TestHelpers.DeletedTestClock {
  params.only();
  sim.store.remove('test_clocks', requireClock(sim, id).id);
  return { id, object: 'test_helpers.test_clock', deleted: true };
}

function requireClock(sim: Simulation, id: string): Stripe.TestHelpers.TestClock {
  const clock = sim.store.get('test_clocks', id);
  if (clock === undefined) throw noSuch('billing clock', id, 'test_clock', 404);
  return clock;
}
