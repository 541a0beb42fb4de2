import { DEV_WALLETS } from './chain';

/** Where things are; `null` for what is not there. Parts that were given are named as they were given. */
export interface Addresses {
  readonly databaseUrl: string;
  /** For migrations; `null` when the database was given without. */
  readonly migrationDatabaseUrl: string | null;
  readonly rpcUrl: string | null;
  readonly chainId: number | null;
  readonly usdc: string | null;
  readonly payTo: string | null;
  /** The simulator's page; `null` when Stripe itself was configured. */
  readonly stripeUrl: string | null;
  readonly upstreamUrl: string;
  /** A wallet with test USDC; only on the local chain. */
  readonly payer: { readonly address: string; readonly privateKey: string } | null;
}

/** Of the variables that a server gets, and those that were given. */
export function addressesIn(environment: Record<string, string>, given: Record<string, string>): Addresses {
  const network = environment['X402_NETWORK'];
  const ownChain = given['EVM_RPC_URL'] === undefined;
  return {
    databaseUrl: environment['DATABASE_URL'] as string,
    migrationDatabaseUrl: environment['MIGRATION_DATABASE_URL'] ?? null,
    rpcUrl: environment['EVM_RPC_URL'] ?? null,
    chainId: network === undefined ? null : Number(network.split(':')[1]),
    usdc: environment['X402_ASSET'] ?? null,
    payTo: environment['X402_PAY_TO'] ?? null,
    stripeUrl: environment['STRIPE_API_URL'] ?? null,
    upstreamUrl: environment['UPSTREAM_URL'] as string,
    payer: ownChain ? DEV_WALLETS.payer : null,
  };
}
