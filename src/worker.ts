import { Logger, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module';
import { readEnvironment } from './config/read-environment.dto';
import { stopOnSignal } from './shutdown';

const A_DAY_MS = 86_400_000;

/**
 * The process that only runs jobs: no port is opened. Resolves when the jobs are scheduled; it ends by a signal.
 * `root` is the product, or in tests the product and more.
 */
export async function work(root: Type = AppModule): Promise<void> {
  process.env['JOBS_IN_PROCESS'] = 'true';
  const { http } = readEnvironment(process.env);
  const app = await NestFactory.createApplicationContext(root, { abortOnError: false });
  // The timers of jobs keep no process alive, and a connection that is away for a moment must not end this one.
  const awake = setInterval(() => undefined, A_DAY_MS);
  stopOnSignal(async () => {
    clearInterval(awake);
    await app.close();
  }, http.shutdownGraceMs);
  new Logger('Tollbridge').log('Running jobs');
}

if (require.main === module) {
  work().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });
}
