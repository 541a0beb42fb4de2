import { type Control } from './control';
import { FAULT_KINDS } from './faults';

const MAX_WAIT_MS = 60_000;
const MANY = 1_000_000;

/** How requests to the API go wrong. */
export const faultControls: readonly Control[] = [
  {
    path: 'faults',
    press: ({ sim, body }) => {
      body.only('kind', 'latencyMs', 'method', 'path', 'skip', 'times');
      sim.faults.add({
        kind: body.required('kind', FAULT_KINDS),
        method: body.oneOf('method', ['DELETE', 'GET', 'POST'] as const),
        path: body.string('path'),
        skip: body.integer('skip', 0, MANY) ?? 0,
        times: body.integer('times', 1, MANY) ?? 1,
        latencyMs: body.integer('latencyMs', 0, MAX_WAIT_MS) ?? 0,
      });
      return { data: sim.faults.list() };
    },
  },
  {
    path: 'faults/list',
    press: ({ sim, body }) => {
      body.only();
      return { data: sim.faults.list() };
    },
  },
  {
    path: 'faults/clear',
    press: ({ sim }) => {
      sim.faults.clear();
      return { data: sim.faults.list() };
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
