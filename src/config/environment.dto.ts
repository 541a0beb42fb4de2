import { IsBooleanString, IsIn, IsInt, IsJSON, IsOptional, IsUrl, Matches, Max, Min, MinLength } from 'class-validator';
import { FRAUD_WARNING_ACTIONS, type FraudWarningAction } from './config';
import { DECIMAL, integer, NetworkEnvironmentDto } from './network-environment.dto';
import { CURRENCIES, TIERS } from './top-up-terms';

const anyUrl = { require_tld: false, require_protocol: true };

/** The environment as class-validator sees it. `.env.example` explains every variable. */
export class EnvironmentDto extends NetworkEnvironmentDto {
  @IsIn(['development', 'test', 'production'], { message: 'must be development, test or production' })
  NODE_ENV: string = 'development';

  @integer
  @IsInt({ message: 'must be a port number' })
  @Min(0, { message: 'must be a port number' })
  @Max(65_535, { message: 'must be a port number' })
  PORT: number = 4020;

  @IsOptional()
  HOST: string = '127.0.0.1';

  @IsOptional()
  @IsUrl(anyUrl, { message: 'must be the URL that callers see, such as https://api.example.com' })
  PUBLIC_URL?: string;

  @integer
  @IsInt({ message: 'must be milliseconds' })
  @Min(0, { message: 'must be at least 0 ms' })
  @Max(3_600_000, { message: 'must be at most 3600000 ms' })
  SHUTDOWN_GRACE_MS: number = 30_000;

  @Matches(/^postgres(ql)?:\/\/\S+$/, { message: 'must be a PostgreSQL URL, postgres://user:password@host:5432/name' })
  DATABASE_URL!: string;

  @IsOptional()
  @Matches(/^postgres(ql)?:\/\/\S+$/, { message: 'must be a PostgreSQL URL, postgres://owner:password@host:5432/name' })
  MIGRATION_DATABASE_URL?: string;

  @integer
  @IsInt({ message: 'must be a whole number of connections' })
  @Min(8, { message: 'must be at least 8: listeners and jobs hold some for themselves' })
  @Max(500, { message: 'must be at most 500' })
  DATABASE_POOL_SIZE: number = 16;

  @MinLength(16, { message: 'must be a secret of at least 16 characters' })
  ADMIN_TOKEN!: string;

  @MinLength(32, { message: 'must be a secret of at least 32 characters' })
  API_KEY_PEPPER!: string;

  @IsUrl(anyUrl, { message: 'must be the base URL of an OpenAI-compatible server, without /v1' })
  UPSTREAM_URL!: string;

  @IsOptional()
  UPSTREAM_API_KEY?: string;

  @integer
  @IsInt({ message: 'must be milliseconds' })
  @Min(100, { message: 'must be at least 100 ms' })
  UPSTREAM_TIMEOUT_MS: number = 600_000;

  @integer
  @IsInt({ message: 'must be seconds' })
  @Min(1, { message: 'must be at least 1 second' })
  HOLD_TTL_SECONDS: number = 1800;

  @IsOptional()
  @Matches(/^(sk|rk)_\w+$/, { message: 'must be a Stripe secret key, sk_… or rk_…' })
  STRIPE_SECRET_KEY?: string;

  @IsOptional()
  @Matches(/^whsec_\w+$/, { message: 'must be a Stripe webhook signing secret, whsec_…' })
  STRIPE_WEBHOOK_SECRET?: string;

  @IsOptional()
  @IsUrl(anyUrl, { message: 'must be the URL of a Stripe API; leave it out for Stripe itself' })
  STRIPE_API_URL?: string;

  @integer
  @IsInt({ message: 'must be cents' })
  @Min(50, { message: 'must be at least 50 cents' })
  TOPUP_MIN_CENTS: number = 500;

  @integer
  @IsInt({ message: 'must be cents' })
  @Max(100_000_000, { message: 'must be at most 100000000 cents' })
  TOPUP_MAX_CENTS: number = 1_000_000;

  @IsOptional()
  @Matches(TIERS, { message: 'must be a list of <from>:<bonus> in US dollars, such as 25:1,100:10' })
  TOPUP_TIERS: string = '';

  @integer
  @IsInt({ message: 'must be days' })
  @Min(1, { message: 'must be at least 1 day' })
  @Max(3_650, { message: 'must be at most 3650 days' })
  TOPUP_BONUS_DAYS: number = 365;

  @Matches(CURRENCIES, { message: 'must be usd, or a list with the fixed USD rate of others, such as usd,eur:1.08' })
  TOPUP_CURRENCIES: string = 'usd';

  @IsBooleanString({ message: 'must be true or false' })
  STRIPE_TAX: string = 'false';

  @integer
  @IsInt({ message: 'must be a whole number' })
  @Min(1, { message: 'must be at least 1' })
  @Max(20, { message: 'must be at most 20' })
  AUTO_RELOAD_MAX_FAILURES: number = 4;

  @integer
  @IsInt({ message: 'must be an hour' })
  @Min(0, { message: 'must be at least 0' })
  @Max(23, { message: 'must be at most 23' })
  RECONCILE_AT_HOUR: number = 2;

  @IsIn(FRAUD_WARNING_ACTIONS, { message: 'must be notify, freeze or refund' })
  FRAUD_WARNING_ACTION: FraudWarningAction = 'freeze';

  @IsBooleanString({ message: 'must be true or false' })
  JOBS_IN_PROCESS: string = 'true';

  @integer
  @IsInt({ message: 'must be a whole number of jobs' })
  @Min(1, { message: 'must be at least 1' })
  @Max(100, { message: 'must be at most 100' })
  JOBS_CONCURRENCY: number = 4;

  @IsOptional()
  @Matches(/^rediss?:\/\/[^\s/]+(\/\d+)?$/, { message: 'must be a Redis URL, redis://user:password@host:6379/0' })
  REDIS_URL?: string;

  @IsOptional()
  X402_NETWORKS_FILE?: string;

  @Matches(/^(exact|upto|batch-settlement)(,(exact|upto|batch-settlement))*$/, {
    message: 'must be a list of exact, upto, batch-settlement',
  })
  X402_SCHEMES: string = 'exact,upto,batch-settlement';

  @Matches(
    /^(payment-identifier|offer-receipt|bazaar|sign-in-with-x|none)(,(payment-identifier|offer-receipt|bazaar|sign-in-with-x))*$/,
    {
      message: 'must be none, or a list of payment-identifier, offer-receipt, bazaar, sign-in-with-x',
    },
  )
  X402_EXTENSIONS: string = 'payment-identifier';

  @Matches(DECIMAL, { message: 'must be USDC as a plain decimal, such as 0.1' })
  X402_EXPOSURE_PER_PAYER_USDC: string = '0.1';

  @Matches(DECIMAL, { message: 'must be USDC as a plain decimal, such as 10' })
  X402_EXPOSURE_TOTAL_USDC: string = '10';

  @IsOptional()
  @IsJSON({ message: 'must be a JSON Web Key Set with private keys, {"keys":[…]}' })
  CREDIT_AUTHORITY_JWKS?: string;

  @Matches(/^[a-z0-9][a-z0-9.-]{0,62}:credit$/, { message: 'must be <authority>:credit' })
  CREDIT_AUTHORITY_NETWORK: string = 'tollbridge:credit';
}
