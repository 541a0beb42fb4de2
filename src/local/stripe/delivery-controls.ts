import { type Control } from './control';
import { noSuch } from './stripe-fault';
import { advanceTo } from './time';
import { requireEndpoint } from './webhook-endpoints';
import { rollSecret } from './webhook-secrets';

const MAX_DUPLICATES = 20;
const MAX_WAIT_MS = 60_000;
const DAY = 86_400;

/** How webhooks travel, and how fast time goes. */
export const deliveryControls: readonly Control[] = [
  {
    path: 'webhooks',
    press: ({ sim, body }) => {
      body.only('delayMs', 'drop', 'duplicate', 'paused', 'shuffle');
      const { switches } = sim.webhooks;
      sim.webhooks.set({
        duplicate: body.integer('duplicate', 0, MAX_DUPLICATES) ?? switches.duplicate,
        delayMs: body.integer('delayMs', 0, MAX_WAIT_MS) ?? switches.delayMs,
        shuffle: body.boolean('shuffle') ?? switches.shuffle,
        drop: body.strings('drop') ?? switches.drop,
        paused: body.boolean('paused') ?? switches.paused,
      });
      return switches;
    },
  },
  { path: 'webhooks/flush', press: ({ sim }) => sim.webhooks.flush() },
  {
    path: 'events/:id/resend',
    press: ({ sim, id }) => {
      const event = sim.store.get('events', id);
      if (event === undefined) throw noSuch('event', id, 'id', 404);
      sim.webhooks.dispatch(event, true);
      return { event: event.id, endpoints: sim.webhooks.endpointsFor(event.type).length };
    },
  },
  {
    path: 'webhook_endpoints/:id/roll_secret',
    press: ({ sim, id, body }) => {
      const seconds = body.only('expiresInSeconds').integer('expiresInSeconds', 0, DAY) ?? DAY;
      return rollSecret(sim.store, requireEndpoint(sim, id), seconds);
    },
  },
  {
    path: 'clock',
    press: ({ sim, body }) => {
      body.only('advanceSeconds', 'to');
      advanceTo(sim, body.integer('to', 0) ?? sim.now() + (body.integer('advanceSeconds', 0) ?? 0));
      return { now: sim.now() };
    },
  },
];
