import type { ServerResponse } from 'node:http';
import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor } from '@nestjs/common';
import { finalize, type Observable } from 'rxjs';
import { RunningCalls } from './running-calls.service';
import { ShuttingDownError } from './shutting-down';

/** A call also runs while its handler does: the money of an answer is taken after a caller has gone, too. */
@Injectable()
export class RunningCallsInterceptor implements NestInterceptor {
  constructor(private readonly calls: RunningCalls) {}

  intercept(_context: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(finalize(this.calls.begin()));
  }
}

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
