import type { ServerResponse } from 'node:http';
import type { RunningCalls } from '../gateway/running-calls.service';
import { ShuttingDownError } from './shutting-down';

/**
 * Counts a request in until its connection has the last byte or is gone, or refuses it while the process ends. Health
 * is answered to the end: how else would anybody learn that it comes.
 *
 * @throws ShuttingDownError
 */
export function admit(calls: RunningCalls, url: string, response: ServerResponse): void {
  if (/^\/health(\/|\?|$)/.test(url)) return;
  if (calls.draining) throw new ShuttingDownError();
  response.once('close', calls.begin());
}
