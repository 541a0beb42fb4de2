import { Logger } from '@nestjs/common';
import { createApplication } from './application';
import { readEnvironment } from './config/read-environment.dto';
import { loadEncodings } from './metering/encodings';
import { closeGracefully, stopOnSignal } from './shutdown';

/** The HTTP process. Resolves when it listens; it ends by a signal. */
export async function serve(): Promise<void> {
  const { http } = readEnvironment(process.env);
  const app = await createApplication();
  loadEncodings();
  stopOnSignal(() => closeGracefully(app, http.shutdownGraceMs), http.shutdownGraceMs);
  await app.listen(http.port, http.host);
  new Logger('Tollbridge').log(`Listening on ${await app.getUrl()}`);
}

if (require.main === module) {
  serve().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  });
}
