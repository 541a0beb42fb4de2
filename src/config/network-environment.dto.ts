import { Transform } from 'class-transformer';
import { IsBooleanString, IsEthereumAddress, IsIn, IsInt, IsOptional, IsUrl, Matches, Max, Min } from 'class-validator';

const PRIVATE_KEY = '0x[0-9a-fA-F]{64}';
const ONE_KEY = new RegExp(`^${PRIVATE_KEY}$`);
const HTTP_URL = String.raw`https?://[^\s,]+`;
const listOf = (item: string): RegExp => new RegExp(`^${item}(,${item})*$`);
/** At most six digits behind the point: a micro-USDC. */
export const DECIMAL = /^\d{1,9}(\.\d{1,6})?$/;

/** Digits become a number; anything else stays what it is, and is refused as that. */
export const integer = Transform(({ value }) => (/^\d+$/.test(String(value)) ? Number(value) : value));

/** What belongs to one network: variables of the environment for the first, an object of X402_NETWORKS_FILE for others. */
export class NetworkEnvironmentDto {
  @IsOptional()
  @Matches(/^eip155:\d+$/, { message: 'must be a CAIP-2 EVM network, eip155:<chain id>' })
  X402_NETWORK?: string;

  @IsOptional()
  @IsEthereumAddress({ message: 'must be the address that receives USDC' })
  X402_PAY_TO?: string;

  @IsOptional()
  @IsEthereumAddress({ message: 'must be the address of the USDC contract' })
  X402_ASSET?: string;

  @IsOptional()
  X402_ASSET_NAME: string = 'USDC';

  @IsOptional()
  X402_ASSET_VERSION: string = '2';

  @IsOptional()
  @Matches(listOf(HTTP_URL), { message: 'must be the URL of a hosted x402 facilitator, or a list of them' })
  X402_FACILITATOR_URL?: string;

  @Matches(DECIMAL, { message: 'must be USDC as a plain decimal, such as 1' })
  X402_MIN_DEPOSIT_USDC: string = '1';

  @IsIn(['eip3009', 'permit2'], { message: 'must be eip3009 or permit2' })
  X402_DEPOSIT_METHOD: 'eip3009' | 'permit2' = 'eip3009';

  @integer
  @IsInt({ message: 'must be seconds' })
  @Min(900, { message: 'must be at least 900 seconds' })
  @Max(2_592_000, { message: 'must be at most 2592000 seconds' })
  X402_WITHDRAW_DELAY_SECONDS: number = 86_400;

  @integer
  @IsInt({ message: 'must be a whole number' })
  @Min(1, { message: 'must be at least 1' })
  @Max(10_000, { message: 'must be at most 10000' })
  X402_CLAIM_VALUE_TO_GAS: number = 20;

  @IsOptional()
  @Matches(listOf(HTTP_URL), { message: 'must be the URL of a JSON-RPC node, or a list of them' })
  EVM_RPC_URL?: string;

  @IsOptional()
  @IsUrl(
    { require_tld: false, require_protocol: true, protocols: ['ws', 'wss'] },
    { message: 'must be the WebSocket URL of a JSON-RPC node' },
  )
  EVM_WS_URL?: string;

  @IsOptional()
  @Matches(listOf(PRIVATE_KEY), { message: 'must be a private key of 32 bytes in hex, 0x…, or a list of them' })
  EVM_PRIVATE_KEY?: string;

  @IsOptional()
  @Matches(ONE_KEY, { message: 'must be a private key of 32 bytes in hex, 0x…' })
  EVM_AUTHORIZER_KEY?: string;

  @IsOptional()
  @Matches(ONE_KEY, { message: 'must be a private key of 32 bytes in hex, 0x…' })
  EVM_PAYOUT_KEY?: string;

  @integer
  @IsInt({ message: 'must be a number of blocks' })
  @Min(1, { message: 'must be at least 1 block' })
  @Max(1_000, { message: 'must be at most 1000 blocks' })
  EVM_CONFIRMATIONS: number = 1;

  @IsOptional()
  @Matches(DECIMAL, { message: 'must be gwei as a plain decimal' })
  EVM_MAX_FEE_GWEI?: string;

  @integer
  @IsInt({ message: 'must be seconds' })
  @Min(1, { message: 'must be at least 1 second' })
  @Max(3_600, { message: 'must be at most 3600 seconds' })
  EVM_REPLACE_AFTER_SECONDS: number = 30;

  @Matches(DECIMAL, { message: "must be an amount of the chain's coin as a plain decimal" })
  EVM_GAS_ALARM_COINS: string = '0.01';

  @Matches(DECIMAL, { message: 'must be US dollars as a plain decimal' })
  EVM_GAS_USD_PER_COIN: string = '3000';

  @integer
  @IsInt({ message: 'must be a number of blocks' })
  @Min(1, { message: 'must be at least 1 block' })
  @Max(100_000, { message: 'must be at most 100000 blocks' })
  CHAIN_LOG_RANGE: number = 2_000;

  @integer
  @IsInt({ message: 'must be a number of blocks' })
  @Min(0, { message: 'must be at least 0 blocks' })
  @Max(10_000_000, { message: 'must be at most 10000000 blocks' })
  CHAIN_LOOK_BACK: number = 2_000;

  @Transform(({ value }) => String(value)) // the file of networks is JSON, which has a true of its own
  @IsBooleanString({ message: 'must be true or false' })
  EVM_OP_STACK: string = 'false';
}
