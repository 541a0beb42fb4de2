import { mkdirSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { type Addresses, addressesIn } from './addresses';
import { DEV_WALLETS, type LocalChain, startChain } from './chain';
import { fundParties } from './funding';
import { startPostgres } from './postgres';
import { forget } from './stack-data';
import { type StripeSimulator, startStripeSimulator } from './stripe/stripe-simulator';
import { startUpstream } from './upstream/upstream-simulator';

export type Variables = Record<string, string | undefined>;

export interface StackOptions {
  /** Keeps everything that outlives a run: database, chain, Stripe's state. Created when missing. */
  readonly directory: string;
  /** Forget the data of earlier runs first. */
  readonly fresh?: boolean | undefined;
  /** What the reader has set already. A part that it names is theirs, and not started here. */
  readonly given?: Variables | undefined;
  /** Where the Stripe simulator sends its events. */
  readonly webhookUrl?: string | undefined;
  /** Called when a part has started, or was left to `given`. */
  readonly progress?: ((part: Part) => void) | undefined;
  /** Receives what the parts have to say. */
  readonly log?: ((line: string) => void) | undefined;
}

export interface Part {
  readonly name: PartName;
  /** `null`: not started, because `variable` is set. */
  readonly milliseconds: number | null;
  readonly variable: string;
}

export type PartName = 'PostgreSQL' | 'chain' | 'Stripe simulator' | 'upstream';

export interface LocalStack {
  /** Variables for a server that uses this world: what was started here, and over it what was given. */
  readonly environment: Record<string, string>;
  readonly addresses: Addresses;
  /** Stops what was started, the last first. Safe to repeat. */
  stop(): Promise<void>;
}

/** 1,000 USDC: enough for a long afternoon of calls. */
const PAYER_ATOMS = 1_000_000_000n;

/**
 * Starts the whole world around a server on this machine: PostgreSQL, an EVM chain with test USDC, a Stripe and a
 * model provider, all on free ports of 127.0.0.1. Parts start side by side; when one fails, the others are stopped.
 *
 * @throws LocalProcessError which part, why, and what to do about it.
 */
export async function startStack(options: StackOptions): Promise<LocalStack> {
  mkdirSync(options.directory, { recursive: true, mode: 0o700 });
  const directory = realpathSync(options.directory);
  if (options.fresh) await forget(directory);
  const given = withoutBlanks(options.given ?? {});
  const stops: (() => Promise<void>)[] = [];
  const start = partStarter(given, options, stops);
  const log = options.log ?? (() => undefined);
  // In this order: creating a new database blocks this process, and anvil can start behind it meanwhile.
  const parts = [
    start('chain', 'EVM_RPC_URL', async () =>
      startFundedChain(join(directory, 'chain.json'), given['EVM_PRIVATE_KEY'], log),
    ),
    start('PostgreSQL', 'DATABASE_URL', async () => {
      const postgres = await startPostgres({ dataDir: join(directory, 'postgres'), log });
      const environment = { DATABASE_URL: postgres.url, MIGRATION_DATABASE_URL: postgres.ownerUrl };
      return { ...postgres, environment };
    }),
    start('Stripe simulator', 'STRIPE_SECRET_KEY', async () => startStripe(directory, options.webhookUrl, log)),
    start('upstream', 'UPSTREAM_URL', async () => {
      const upstream = await startUpstream();
      return { stop: () => upstream.stop(), environment: { UPSTREAM_URL: upstream.url } };
    }),
  ] as const;
  const stop = stopAll(stops);
  const results = await Promise.allSettled(parts);
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  const environments = results.map((result) => (result.status === 'fulfilled' ? result.value : {}));
  const environment = Object.assign({}, ...environments, given) as Record<string, string>;
  return { environment, addresses: addressesIn(environment, given), stop };
}

interface StartedPart {
  readonly environment: Record<string, string>;
  stop(): Promise<void>;
}

function partStarter(given: Record<string, string>, options: StackOptions, stops: (() => Promise<void>)[]) {
  return async (name: PartName, variable: string, start: () => Promise<StartedPart>) => {
    const began = performance.now();
    const report = (milliseconds: number | null) => options.progress?.({ name, milliseconds, variable });
    if (given[variable] !== undefined) {
      report(null);
      return {};
    }
    const started = await start();
    stops.push(() => started.stop());
    report(performance.now() - began);
    return started.environment;
  };
}

async function startFundedChain(
  statePath: string,
  facilitatorKey: string | undefined,
  log: (line: string) => void,
): Promise<StartedPart> {
  const chain: LocalChain = await startChain({ statePath, log });
  const privateKey = facilitatorKey ?? DEV_WALLETS.facilitator.privateKey;
  try {
    await fundParties(chain, { facilitatorKey: privateKey, payer: DEV_WALLETS.payer.address, atoms: PAYER_ATOMS });
  } catch (error) {
    await chain.stop();
    throw error;
  }
  return {
    stop: () => chain.stop(),
    environment: {
      EVM_RPC_URL: chain.rpcUrl,
      EVM_PRIVATE_KEY: privateKey,
      X402_NETWORK: `eip155:${chain.chainId}`,
      X402_ASSET: chain.usdc,
      X402_PAY_TO: DEV_WALLETS.payTo.address,
      EVM_PAYOUT_KEY: DEV_WALLETS.payTo.privateKey,
      // Wallets draw from their balance: a challenge stands in each 402.
      X402_EXTENSIONS: 'payment-identifier,sign-in-with-x',
    },
  };
}

async function startStripe(
  directory: string,
  webhookUrl: string | undefined,
  log: (line: string) => void,
): Promise<StartedPart> {
  const stripe: StripeSimulator = await startStripeSimulator({
    stateFile: join(directory, 'stripe.json'),
    log,
    ...(webhookUrl === undefined ? {} : { webhook: { url: webhookUrl } }),
  });
  return {
    stop: () => stripe.stop(),
    environment: {
      STRIPE_SECRET_KEY: stripe.secretKey,
      STRIPE_WEBHOOK_SECRET: stripe.webhookSecret,
      STRIPE_API_URL: stripe.url,
    },
  };
}

function stopAll(stops: (() => Promise<void>)[]): () => Promise<void> {
  let stopping: Promise<void> | undefined;
  const run = async () => {
    const results = await Promise.allSettled(stops.map((stop) => stop()));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;
  };
  return () => (stopping ??= run());
}

/** A variable that is set to nothing, as in a copied `.env.example`, is not set. */
function withoutBlanks(variables: Variables): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).filter((entry): entry is [string, string] => entry[1] !== undefined && entry[1] !== ''),
  );
}
