import 'reflect-metadata';
import { plainToInstance } from 'class-transformer';
import { parseMoney } from '../common/money';
import {
  type Config,
  ConfigurationError,
  type CreditAuthorityConfig,
  LOCAL_SECRETS,
  type StripeConfig,
  type TopUpsConfig,
  type X402Config,
} from './config';
import { EnvironmentDto } from './environment.dto';
import type { NetworkConfig } from './network-config';
import { type Fault, faultsOf, missingIn, missingOf, networkOf, networksIn } from './read-networks.dto';
import { CURRENCIES, currenciesIn, tiersIn } from './top-up-terms';

/**
 * Reads and freezes the configuration.
 * @throws ConfigurationError that names every variable that is wrong, and no value.
 */
export function readEnvironment(env: Record<string, string | undefined>): Config {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const dto = plainToInstance(EnvironmentDto, given, { exposeDefaultValues: true });
  const choice = { schemes: listIn(dto.X402_SCHEMES) };
  const further = networksIn(dto.X402_NETWORKS_FILE, given, choice);
  const faults = [...faultsOf(dto, given), ...crossFaults(dto, given), ...further.faults];
  if (faults.length > 0) throw new ConfigurationError(faults);
  const first = networkOf(dto, choice);
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
    topUps: topUpsOf(dto),
    autoReload: { maxFailures: dto.AUTO_RELOAD_MAX_FAILURES },
    reconcileAtHour: dto.RECONCILE_AT_HOUR,
    stripe: stripeOf(dto),
    x402: x402Of(dto, [...(first ? [first] : []), ...further.networks]),
    creditAuthority: creditAuthorityOf(dto),
    jobs: {
      inProcess: dto.JOBS_IN_PROCESS === 'true',
      concurrency: dto.JOBS_CONCURRENCY,
      redisUrl: dto.REDIS_URL,
    },
  });
}

function topUpsOf(dto: EnvironmentDto): TopUpsConfig {
  return {
    minCents: dto.TOPUP_MIN_CENTS,
    maxCents: dto.TOPUP_MAX_CENTS,
    tiers: tiersIn(dto.TOPUP_TIERS),
    bonusDays: dto.TOPUP_BONUS_DAYS,
    currencies: currenciesIn(dto.TOPUP_CURRENCIES) ?? [],
    tax: dto.STRIPE_TAX === 'true',
    fraudWarningAction: dto.FRAUD_WARNING_ACTION,
  };
}

function stripeOf(dto: EnvironmentDto): StripeConfig | undefined {
  if (dto.STRIPE_SECRET_KEY === undefined || dto.STRIPE_WEBHOOK_SECRET === undefined) return undefined;
  return { secretKey: dto.STRIPE_SECRET_KEY, webhookSecret: dto.STRIPE_WEBHOOK_SECRET, apiUrl: dto.STRIPE_API_URL };
}

function x402Of(dto: EnvironmentDto, networks: readonly NetworkConfig[]): X402Config | undefined {
  if (networks.length === 0) return undefined;
  return {
    networks,
    schemes: listIn(dto.X402_SCHEMES),
    extensions: listIn(dto.X402_EXTENSIONS).filter((name) => name !== 'none'),
    exposure: {
      perPayer: parseMoney(dto.X402_EXPOSURE_PER_PAYER_USDC, 'USDC').atoms,
      total: parseMoney(dto.X402_EXPOSURE_TOTAL_USDC, 'USDC').atoms,
    },
  };
}

function creditAuthorityOf(dto: EnvironmentDto): CreditAuthorityConfig | undefined {
  if (dto.CREDIT_AUTHORITY_JWKS === undefined) return undefined;
  return {
    jwks: dto.CREDIT_AUTHORITY_JWKS,
    network: dto.CREDIT_AUTHORITY_NETWORK as CreditAuthorityConfig['network'],
  };
}

const listIn = (list: string): string[] => list.split(',');

/** What one variable demands of another. */
function crossFaults(dto: EnvironmentDto, given: Record<string, unknown>): Fault[] {
  const faults = missingOf(given);
  const needs = (because: string, ...variables: string[]) => faults.push(...missingIn(given, variables, because));
  if (given['STRIPE_SECRET_KEY'] !== undefined) needs('STRIPE_SECRET_KEY is', 'STRIPE_WEBHOOK_SECRET');
  if (CURRENCIES.test(dto.TOPUP_CURRENCIES) && currenciesIn(dto.TOPUP_CURRENCIES) === undefined) {
    faults.push({ variable: 'TOPUP_CURRENCIES', should: 'must name each currency once, and only such with cents' });
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
