import { Logger } from '@nestjs/common';
import { createApplication } from './application';
import { readEnvironment } from './config/read-environment.dto';

/** The HTTP process. */
async function main(): Promise<void> {
  const config = readEnvironment(process.env);
  const app = await createApplication();
  await app.listen(config.http.port, config.http.host);
  new Logger('Tollbridge').log(`Listening on ${await app.getUrl()}`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
