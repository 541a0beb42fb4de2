import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { type Config, ConfigurationError, LOCAL_SECRETS, type StripeConfig, type X402Config } from './config';
import { EnvironmentDto } from './environment.dto';

/**
 * Reads and freezes the configuration.
 * @throws ConfigurationError that names every variable that is wrong, and no value.
 */
export function readEnvironment(env: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const dto = plainToInstance(EnvironmentDto, given, { exposeDefaultValues: true });
  const faults = validateSync(dto, { skipMissingProperties: false }).map((fault) => ({
    variable: fault.property,
    should: given[fault.property] === undefined ? `is missing: it ${sentence(fault)}` : sentence(fault),
  }));
  faults.push(...crossFaults(dto, given));
  if (faults.length > 0) throw new ConfigurationError(faults);
  return Object.freeze({
    production: dto.NODE_ENV === 'production',
    http: {
      host: dto.HOST,
      port: dto.PORT,
      publicUrl: dto.PUBLIC_URL?.replace(/\/$/, ''),
      shutdownGraceMs: dto.SHUTDOWN_GRACE_MS,
    },
    database: { url: dto.DATABASE_URL, poolSize: dto.DATABASE_POOL_SIZE },
    adminToken: dto.ADMIN_TOKEN,
    apiKeyPepper: dto.API_KEY_PEPPER,
    upstream: {
      url: dto.UPSTREAM_URL.replace(/\/$/, ''),
      apiKey: dto.UPSTREAM_API_KEY,
      timeoutMs: dto.UPSTREAM_TIMEOUT_MS,
    },
    holdTtlSeconds: dto.HOLD_TTL_SECONDS,
    topUps: { minCents: dto.TOPUP_MIN_CENTS, maxCents: dto.TOPUP_MAX_CENTS },
    stripe: stripeOf(dto),
    x402: x402Of(dto),
    jobs: {
      inProcess: dto.JOBS_IN_PROCESS === 'true',
      concurrency: dto.JOBS_CONCURRENCY,
      redisUrl: dto.REDIS_URL,
    },
  });
}

function stripeOf(dto: EnvironmentDto): StripeConfig | undefined {
  if (dto.STRIPE_SECRET_KEY === undefined || dto.STRIPE_WEBHOOK_SECRET === undefined) return undefined;
  return { secretKey: dto.STRIPE_SECRET_KEY, webhookSecret: dto.STRIPE_WEBHOOK_SECRET, apiUrl: dto.STRIPE_API_URL };
}

function x402Of(dto: EnvironmentDto): X402Config | undefined {
  if (!dto.X402_PAY_TO || !dto.X402_NETWORK || !dto.X402_ASSET || !dto.EVM_RPC_URL) return undefined;
  return {
    network: dto.X402_NETWORK as X402Config['network'],
    payTo: dto.X402_PAY_TO as `0x${string}`,
    asset: {
      address: dto.X402_ASSET as `0x${string}`,
      name: dto.X402_ASSET_NAME,
      version: dto.X402_ASSET_VERSION,
    },
    rpcUrl: dto.EVM_RPC_URL,
    privateKey: dto.EVM_PRIVATE_KEY as `0x${string}` | undefined,
    facilitatorUrl: dto.X402_FACILITATOR_URL,
  };
}

/** What one variable demands of another. */
function crossFaults(dto: EnvironmentDto, given: Record<string, unknown>): { variable: string; should: string }[] {
  const faults: { variable: string; should: string }[] = [];
  const needs = (because: string, ...variables: string[]) => {
    for (const variable of variables) {
      if (given[variable] === undefined)
        faults.push({ variable, should: `is missing: it must be set when ${because}` });
    }
  };
  if (given['STRIPE_SECRET_KEY'] !== undefined) needs('STRIPE_SECRET_KEY is', 'STRIPE_WEBHOOK_SECRET');
  if (given['X402_PAY_TO'] !== undefined) needs('X402_PAY_TO is', 'X402_NETWORK', 'X402_ASSET', 'EVM_RPC_URL');
  if (given['X402_PAY_TO'] !== undefined && given['X402_FACILITATOR_URL'] === undefined) {
    needs('X402_PAY_TO is and no X402_FACILITATOR_URL settles', 'EVM_PRIVATE_KEY');
  }
  if (dto.NODE_ENV === 'production') {
    needs('NODE_ENV is production', 'PUBLIC_URL');
    if (dto.ADMIN_TOKEN === LOCAL_SECRETS.adminToken) {
      faults.push({ variable: 'ADMIN_TOKEN', should: 'must not be the default of the local world in production' });
    }
    if (dto.API_KEY_PEPPER === LOCAL_SECRETS.apiKeyPepper) {
      faults.push({ variable: 'API_KEY_PEPPER', should: 'must not be the default of the local world in production' });
    }
  }
  return faults;
}

function sentence(fault: { constraints?: Record<string, string> }): string {
  return Object.values(fault.constraints ?? {})[0] ?? 'is not valid';
}
