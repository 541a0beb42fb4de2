import type { NetworkConfig } from './network-config';
import type { CurrencyTerms } from './top-up-terms';

/** The configuration of one process: frozen, grouped, and checked at boot by `environment.dto.ts`. */
export interface Config {
  readonly production: boolean;
  readonly http: {
    readonly host: string;
    readonly port: number;
    readonly publicUrl: string | undefined;
    /** How long running calls may take to finish once the process is asked to end. */
    readonly shutdownGraceMs: number;
  };
  readonly database: { readonly url: string; readonly poolSize: number };
  readonly adminToken: string;
  readonly apiKeyPepper: string;
  readonly upstream: { readonly url: string; readonly apiKey: string | undefined; readonly timeoutMs: number };
  readonly holdTtlSeconds: number;
  readonly topUps: TopUpsConfig;
  /** After so many declines in a row a card is not charged any more without its holder. */
  readonly autoReload: { readonly maxFailures: number };
  /** From this hour on, in UTC, the books are compared once a day. */
  readonly reconcileAtHour: number;
  /** Left out: no top-ups by card. */
  readonly stripe: StripeConfig | undefined;
  /** Left out: no payments in USDC. */
  readonly x402: X402Config | undefined;
  /** Left out: prepaid credit is spent with API keys alone. */
  readonly creditAuthority: CreditAuthorityConfig | undefined;
  readonly jobs: {
    /** Whether this process runs jobs; a command never does. */
    readonly inProcess: boolean;
    /** How many it runs at a time. */
    readonly concurrency: number;
    /** Spreads jobs over workers; left out: each takes them from PostgreSQL. */
    readonly redisUrl: string | undefined;
  };
}

export interface TopUpsConfig {
  readonly minCents: number;
  readonly maxCents: number;
  /** What is given on top of larger top-ups. */
  readonly tiers: readonly { readonly fromCents: number; readonly bonusCents: number }[];
  /** How long a bonus lives. */
  readonly bonusDays: number;
  /** What customers may pay in; the first one when they do not say. */
  readonly currencies: readonly CurrencyTerms[];
  /** Whether Stripe Tax adds what the payer's country asks for. */
  readonly tax: boolean;
  /** What is done about a payment that its bank takes for fraud. */
  readonly fraudWarningAction: FraudWarningAction;
}

export const FRAUD_WARNING_ACTIONS = ['notify', 'freeze', 'refund'] as const;
/** `freeze`: what is left of it waits. `refund`: what is unused goes back at once, the rest waits. */
export type FraudWarningAction = (typeof FRAUD_WARNING_ACTIONS)[number];

export interface StripeConfig {
  readonly secretKey: string;
  readonly webhookSecret: string;
  /** A Stripe-shaped API elsewhere (the local simulator); left out for Stripe itself. */
  readonly apiUrl: string | undefined;
}

/** Payments in USDC. */
export interface X402Config {
  /** At least one, in the order in which they are offered. */
  readonly networks: readonly NetworkConfig[];
  /** Those that payers are offered, by their name in x402. */
  readonly schemes: readonly string[];
  /** x402 extensions that are announced, by their key. */
  readonly extensions: readonly string[];
  readonly exposure: ExposurePolicy;
}

/** What may be outstanding where a verified claim is enough for an answer. In micro-USDC. */
export interface ExposurePolicy {
  readonly perPayer: bigint;
  /** Of all payers, with what wallets owe already. */
  readonly total: bigint;
}

/** Prepaid credit as an x402 payment by signed attestations (`batch-settlement` on `<authority>:credit`). */
export interface CreditAuthorityConfig {
  /** A JSON Web Key Set with private keys: the first one signs. */
  readonly jwks: string;
  /** `<authority>:credit`. */
  readonly network: `${string}:credit`;
}

/** Every variable that is wrong, by name, with what it should be. Values are never shown: some are secrets. */
export class ConfigurationError extends Error {
  constructor(readonly faults: readonly { variable: string; should: string }[]) {
    super(
      ['The configuration is not complete:', ...faults.map((f) => `  ${f.variable} ${f.should}`)].join('\n') +
        '\nSee .env.example for every variable.',
    );
    this.name = 'ConfigurationError';
  }
}

/** Secrets that the local world uses; production refuses to start with one of them. */
export const LOCAL_SECRETS = {
  adminToken: 'local-admin-token-not-for-production',
  apiKeyPepper: 'local-pepper-not-for-production-local-pepper',
} as const;
