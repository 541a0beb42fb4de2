import { listPage } from './list-page';
import { type Call, type Route } from './route';
import { noSuch } from './stripe-fault';

/** https://docs.stripe.com/api/events */
export const eventRoutes: readonly Route[] = [
  { method: 'GET', path: '/v1/events', handle: list },
  { method: 'GET', path: '/v1/events/:id', handle: retrieve },
];

function retrieve({ sim, params, id }: Call): object {
  params.only();
  const event = sim.store.get('events', id);
  if (event === undefined) throw noSuch('event', id, 'id', 404);
  return event;
}

function list(call: Call): object {
  const type = call.params.optional('type');
  const types = call.params.strings('types');
  const delivered = call.params.boolean('delivery_success');
  const rows = call.sim.store
    .all('events')
    .filter((row) => !type || (type.endsWith('*') ? row.type.startsWith(type.slice(0, -1)) : row.type === type))
    .filter((row) => types.length === 0 || types.includes(row.type))
    .filter((row) => delivered === undefined || (row.pending_webhooks === 0) === delivered);
  return listPage(call, rows, ['created', 'delivery_success', 'type', 'types']);
}
