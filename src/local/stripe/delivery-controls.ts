import { type Control } from './control';
import { noSuch } from './stripe-fault';
import { advanceTo } from './time';

const MAX_DUPLICATES = 20;
const MAX_WAIT_MS = 60_000;

/** How webhooks travel, how long answers take, and how fast time goes. */
export const deliveryControls: readonly Control[] = [
  {
    path: 'webhooks',
    press: ({ sim, body }) => {
      body.only('delayMs', 'duplicate', 'paused', 'shuffle');
      const { switches } = sim.webhooks;
      sim.webhooks.set({
        duplicate: body.integer('duplicate', 0, MAX_DUPLICATES) ?? switches.duplicate,
        delayMs: body.integer('delayMs', 0, MAX_WAIT_MS) ?? switches.delayMs,
        shuffle: body.boolean('shuffle') ?? switches.shuffle,
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
      sim.webhooks.dispatch(event);
      return { event: event.id, endpoints: sim.webhooks.endpointsFor(event.type).length };
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
  {
    path: 'api',
    press: ({ sim, body }) => {
      sim.latencyMs = body.only('latencyMs').integer('latencyMs', 0, MAX_WAIT_MS) ?? sim.latencyMs;
      return { latencyMs: sim.latencyMs };
    },
  },
];
