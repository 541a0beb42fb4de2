import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { LocalStack } from '../local/stack';
import { type Command, CommandError, type Given } from './command';
import { Screen } from './dev-screen';
import { loadDotEnv, localDirectory, refuseHalfADatabase } from './environment';
import { removeStackFile, type StackFile, writeStackFile } from './stack-file';
import { StackLock } from './stack-lock';
import { ensureSecrets, forgetSecrets, type Secrets, writeSecrets } from './stack-secrets';
import { Teardown } from './teardown';

const DEFAULT_PORT = 4020;
/** A person who presses Ctrl-C waits for it: less patience than a server's. */
const GRACE_MS = 2_000;

/** `tollbridge dev`, which is `npm start` */
export const dev: Command = {
  options: {
    fresh: { about: 'Forget the data of earlier runs first' },
    port: { value: 'N', about: `Of the server; PORT, or ${DEFAULT_PORT}, or a free one when left out` },
  },
  notes: [
    'A part that the environment or .env names is used instead of a local one: DATABASE_URL, EVM_RPC_URL,',
    'STRIPE_SECRET_KEY, UPSTREAM_URL. Data is kept in .local/ (TOLLBRIDGE_LOCAL_DIR); the addresses and keys of the',
    'running stack are in .local/stack.json. Ctrl-C stops everything.',
  ],
  run: async (given) => {
    const wantedPort = given.integer('port', 1, 65_535);
    loadDotEnv();
    if (process.env['NODE_ENV'] === 'production') {
      throw new CommandError('NODE_ENV is production: dev is a local world with test money. Use tollbridge start.');
    }
    refuseHalfADatabase();
    const screen = new Screen();
    const directory = localDirectory();
    const lock = StackLock.acquire(directory);
    const teardown = new Teardown(screen);
    teardown.add('', () => lock.release());
    await teardown.whileStarting(() => startEverything({ given, wantedPort, screen, directory, lock, teardown }));
  },
};

interface Start {
  readonly given: Given;
  readonly wantedPort: number | undefined;
  readonly screen: Screen;
  readonly directory: string;
  readonly lock: StackLock;
  readonly teardown: Teardown;
}

async function startEverything(start: Start): Promise<void> {
  const { screen, directory, lock, teardown } = start;
  const fresh = start.given.flag('fresh');
  removeStackFile(directory); // of a run that crashed
  if (fresh) forgetSecrets(directory);
  const secrets = ensureSecrets(directory);
  const port = await choosePort(start.wantedPort);
  const url = `http://127.0.0.1:${port}`;
  lock.announce(url);

  const { startStack } = await import('../local/stack.js');
  const starting = startStack({
    directory,
    fresh,
    given: process.env,
    webhookUrl: `${url}/webhooks/stripe`,
    progress: (part) => screen.part(part),
    log: (line) => screen.note(line),
  });
  // Awaited below; until then nobody else would take its failure.
  starting.catch(() => undefined);
  // At once, not when it has started: the server may fail to load while the database is still on its way.
  teardown.add('database, chain, Stripe and upstream', async () => {
    const started = await starting.catch(() => undefined);
    await started?.stop();
  });
  // Loading the server takes as long as the database needs to start, so they share that time.
  const { createApplication } = await import('../application.js');
  const stack = await starting;
  teardown.check();
  const own = Object.fromEntries(Object.entries(stack.environment).filter(([name]) => !process.env[name]));
  useEnvironment(stack, secrets, port, url);

  const { migrateUp } = await import('./migrate.js');
  const { databaseUrl, migrationDatabaseUrl } = stack.addresses;
  await screen.step('migrations', () => migrateUp(migrationDatabaseUrl ?? databaseUrl, databaseUrl));
  teardown.check();
  const app = await screen.step('server', async () => {
    const created = await createApplication(screen.logger());
    teardown.add('server', () => closeApp(created));
    await created.listen(port, process.env['HOST'] || '127.0.0.1');
    return created;
  });
  const { seed } = await import('./dev-seed.js');
  const apiKey = await screen.step('customer, key and prices', () => seed(app, secrets.apiKey));
  writeSecrets(directory, { ...secrets, apiKey });
  teardown.check();

  teardown.add('', () => removeStackFile(directory));
  const file = { ...describeStack(stack, url, apiKey), environment: own };
  writeStackFile(directory, file);
  screen.ready(file, stack.addresses.payer?.address);
}

async function closeApp(app: NestFastifyApplication): Promise<void> {
  const { closeGracefully } = await import('../shutdown.js');
  await closeGracefully(app, Number(process.env['SHUTDOWN_GRACE_MS'] || GRACE_MS));
}

/** The one that is wanted, or else any free one when the default is taken. @throws LocalProcessError `port_taken` */
async function choosePort(wanted: number | undefined): Promise<number> {
  const { findFreePort } = await import('../local/guarded-process.js');
  const configured = wanted ?? (Number(process.env['PORT']) || undefined);
  return configured === undefined ? findFreePort(DEFAULT_PORT).catch(() => findFreePort()) : findFreePort(configured);
}

/** What the server reads. What was set before, by the reader or in `.env`, stays. */
function useEnvironment(stack: LocalStack, secrets: Secrets, port: number, url: string): void {
  const defaults = {
    ...{ NODE_ENV: 'development', PUBLIC_URL: url, JOBS_IN_PROCESS: 'true' },
    ...{ ADMIN_TOKEN: secrets.adminToken, API_KEY_PEPPER: secrets.apiKeyPepper },
    CREDIT_AUTHORITY_JWKS: secrets.creditAuthorityJwks,
    ...stack.environment,
  };
  for (const [name, value] of Object.entries(defaults)) {
    if (!process.env[name]) process.env[name] = value;
  }
  process.env['PORT'] = String(port);
}

function describeStack(
  { addresses, environment }: LocalStack,
  url: string,
  apiKey: string,
): Omit<StackFile, 'environment'> {
  const { rpcUrl, chainId, usdc, payTo, upstreamUrl, databaseUrl, migrationDatabaseUrl } = addresses;
  return {
    ...{ url, adminToken: process.env['ADMIN_TOKEN'] as string, apiKey, rpcUrl, chainId, usdc, payTo },
    payerPrivateKey: addresses.payer?.privateKey ?? null,
    // Keys of the real Stripe stay where they are.
    stripe:
      addresses.stripeUrl === null
        ? null
        : {
            url: addresses.stripeUrl,
            secretKey: environment['STRIPE_SECRET_KEY'] as string,
            webhookSecret: environment['STRIPE_WEBHOOK_SECRET'] as string,
          },
    upstreamUrl,
    databaseUrl,
    migrationDatabaseUrl,
  };
}
