import { readFileSync } from 'node:fs';
import { plainToInstance } from 'class-transformer';
import { validateSync } from 'class-validator';
import { parseMoney } from '../common/money';
import type { NetworkConfig } from './network-config';
import { NetworkEnvironmentDto } from './network-environment.dto';

/** A variable that is wrong, and what it should be. */
export interface Fault {
  readonly variable: string;
  readonly should: string;
}

/** What is chosen for all networks at once. */
export interface SchemeChoice {
  readonly schemes: readonly string[];
}

/** The network that these variables describe; `undefined` when they describe none. */
export function networkOf(dto: NetworkEnvironmentDto, { schemes }: SchemeChoice): NetworkConfig | undefined {
  if (!dto.X402_PAY_TO || !dto.X402_NETWORK || !dto.X402_ASSET || !dto.EVM_RPC_URL) return undefined;
  const privateKeys = listIn<`0x${string}`>(dto.EVM_PRIVATE_KEY);
  // Only who sends its own transactions can be the facilitator of `upto` or claim from a channel.
  const sends = privateKeys.length > 0;
  return {
    id: dto.X402_NETWORK as NetworkConfig['id'],
    payTo: dto.X402_PAY_TO as `0x${string}`,
    asset: { address: dto.X402_ASSET as `0x${string}`, name: dto.X402_ASSET_NAME, version: dto.X402_ASSET_VERSION },
    rpcUrls: listIn(dto.EVM_RPC_URL),
    wsUrl: dto.EVM_WS_URL,
    confirmations: dto.EVM_CONFIRMATIONS,
    privateKeys,
    authorizerKey: (dto.EVM_AUTHORIZER_KEY as `0x${string}` | undefined) ?? privateKeys[0],
    payoutKey: dto.EVM_PAYOUT_KEY as `0x${string}` | undefined,
    facilitatorUrls: listIn(dto.X402_FACILITATOR_URL),
    gas: {
      maxFeeWei: dto.EVM_MAX_FEE_GWEI === undefined ? undefined : scaled(dto.EVM_MAX_FEE_GWEI),
      replaceAfterMs: dto.EVM_REPLACE_AFTER_SECONDS * 1000,
      alarmWei: scaled(dto.EVM_GAS_ALARM_COINS) * WEI_PER_GWEI,
      usdPerCoin: scaled(dto.EVM_GAS_USD_PER_COIN),
    },
    logs: { range: dto.CHAIN_LOG_RANGE, lookBack: dto.CHAIN_LOOK_BACK },
    opStack: dto.EVM_OP_STACK === 'true',
    upto: sends && schemes.includes('upto'),
    channels:
      sends && schemes.includes('batch-settlement')
        ? {
            withdrawDelaySeconds: dto.X402_WITHDRAW_DELAY_SECONDS,
            minDepositAtoms: parseMoney(dto.X402_MIN_DEPOSIT_USDC, 'USDC').atoms,
            depositMethod: dto.X402_DEPOSIT_METHOD,
            claimValueToGas: dto.X402_CLAIM_VALUE_TO_GAS,
          }
        : undefined,
  };
}

/**
 * The networks of X402_NETWORKS_FILE: a JSON array of objects, each with the variables of `.env.example` by name. A value
 * `{"env": "NAME"}` is that of the variable NAME, so that the file needs no secrets.
 */
export function networksIn(
  path: string | undefined,
  env: Record<string, string | undefined>,
  choice: SchemeChoice,
): { networks: NetworkConfig[]; faults: Fault[] } {
  if (path === undefined) return { networks: [], faults: [] };
  const fault = (should: string): Fault => ({ variable: 'X402_NETWORKS_FILE', should });
  let entries: unknown;
  try {
    entries = JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return { networks: [], faults: [fault('must name a file with JSON in it')] };
  }
  if (!Array.isArray(entries)) return { networks: [], faults: [fault('must name a file with a JSON array in it')] };
  const networks: NetworkConfig[] = [];
  const faults: Fault[] = [];
  for (const [index, entry] of entries.entries()) {
    const given = resolved(entry, env);
    const dto = plainToInstance(NetworkEnvironmentDto, given, { exposeDefaultValues: true });
    const wrong = [...faultsOf(dto, given), ...missingIn(given, ['X402_PAY_TO'], 'a network is'), ...missingOf(given)];
    faults.push(...wrong.map(({ variable, should }) => fault(`[${index}].${variable} ${should}`)));
    const network = wrong.length === 0 ? networkOf(dto, choice) : undefined;
    if (network) networks.push(network);
  }
  return { networks, faults };
}

/** What `validateSync` has against `dto`, in sentences that show no value. */
export function faultsOf(dto: object, given: Record<string, unknown>): Fault[] {
  return validateSync(dto, { skipMissingProperties: false }).map((fault) => {
    const sentence = Object.values(fault.constraints ?? {})[0] ?? 'is not valid';
    const missing = given[fault.property] === undefined;
    return { variable: fault.property, should: missing ? `is missing: it ${sentence}` : sentence };
  });
}

/** What X402_PAY_TO demands of other variables of its network. */
export function missingOf(given: Record<string, unknown>): Fault[] {
  if (given['X402_PAY_TO'] === undefined) return [];
  const faults = missingIn(given, ['X402_NETWORK', 'X402_ASSET', 'EVM_RPC_URL'], 'X402_PAY_TO is');
  if (given['X402_FACILITATOR_URL'] !== undefined) return faults;
  return [...faults, ...missingIn(given, ['EVM_PRIVATE_KEY'], 'X402_PAY_TO is and no X402_FACILITATOR_URL settles')];
}

export const missingIn = (given: Record<string, unknown>, variables: readonly string[], because: string): Fault[] =>
  variables
    .filter((variable) => given[variable] === undefined)
    .map((variable) => ({ variable, should: `is missing: it must be set when ${because}` }));

function resolved(entry: unknown, env: Record<string, string | undefined>): Record<string, unknown> {
  if (typeof entry !== 'object' || entry === null) return {};
  const values = Object.entries(entry).map(([name, value]): [string, unknown] => {
    const from = typeof value === 'object' && value !== null ? (value as { env?: unknown }).env : undefined;
    return [name, typeof from === 'string' ? env[from] : value];
  });
  return Object.fromEntries(values.filter(([, value]) => value !== undefined && value !== ''));
}

const WEI_PER_GWEI = 1_000_000_000n;

/** A decimal in billionths: gwei as wei, USD as nano-USD, coins as gwei. */
const scaled = (decimal: string): bigint => parseMoney(decimal, 'USD').atoms;

const listIn = <Item extends string>(list: string | undefined): Item[] =>
  list === undefined ? [] : (list.split(',') as Item[]);
