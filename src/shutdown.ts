import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { RunningCalls } from './gateway/running-calls.service';
import { JobsService } from './jobs/jobs.service';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Ctrl-C under npm arrives twice: from the terminal, and from npm. */
const SAME_REQUEST_MS = 1_000;
/** What closing may take behind the grace: jobs in progress, captures, the database's connections. */
const CLOSING_MS = 15_000;

/** How long a call whose connection was cut may take to book what was delivered. */
const BOOKING_MS = 5_000;

/**
 * Finishes the calls and jobs that run, for at most `graceMs`, refuses further ones with 503, and closes the application. A
 * call that still runs then loses its connection and has a few seconds to book what it delivered.
 */
export async function closeGracefully(app: NestFastifyApplication, graceMs: number): Promise<void> {
  const calls = app.get(RunningCalls, { strict: false });
  // Jobs and calls have the same time to finish. Closing waits for both, and says what went wrong here.
  app
    .get(JobsService)
    .stop()
    .catch(() => undefined);
  // A connection that becomes idle from now on goes at once: the server would wait for it for as long as it is kept.
  app.getHttpServer().keepAliveTimeout = 1;
  if (!(await calls.drain(graceMs))) {
    app.getHttpServer().closeAllConnections();
    await calls.drain(BOOKING_MS);
  }
  await app.close();
}

/**
 * On the first signal runs `stop` and ends the process: code 0, or 1 when stopping failed or took longer than
 * `limitMs` and a few seconds. A second signal, a second later or more, ends it at once.
 */
export function stopOnSignal(stop: () => Promise<void>, limitMs: number): void {
  let since: number | undefined;
  const onSignal = () => {
    if (since !== undefined) {
      if (Date.now() - since > SAME_REQUEST_MS) process.exit(1);
      return;
    }
    since = Date.now();
    setTimeout(() => fail('Stopping took too long.'), limitMs + CLOSING_MS).unref();
    stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error instanceof Error ? error.message : String(error)),
    );
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
}

function fail(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}
