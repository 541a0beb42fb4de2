import { claimBatchTypes, refundTypes, voucherTypes } from '@x402/evm';
import {
  encodeAbiParameters,
  hashTypedData,
  keccak256,
  toHex,
  zeroAddress,
  type Address,
  type Hex,
  type LocalAccount,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { CONTRACTS } from './chain-contracts';
import { facilitator, payer, payTo, type Contracts } from './contracts.fixture';

/** Signs vouchers and claims; holds nothing and sends nothing. */
export const authorizer = privateKeyToAccount(toHex(0xa0, { size: 32 }));

export interface ChannelConfig {
  readonly payer: Address;
  readonly payerAuthorizer: Address;
  readonly receiver: Address;
  readonly receiverAuthorizer: Address;
  readonly token: Address;
  readonly withdrawDelay: number;
  readonly salt: Hex;
}

export const BATCH_DOMAIN = {
  name: 'x402 Batch Settlement',
  version: '1',
  chainId: 84532,
  verifyingContract: CONTRACTS.X402BatchSettlement,
} as const;

const CONFIG_TYPES = {
  ChannelConfig: [
    { name: 'payer', type: 'address' },
    { name: 'payerAuthorizer', type: 'address' },
    { name: 'receiver', type: 'address' },
    { name: 'receiverAuthorizer', type: 'address' },
    { name: 'token', type: 'address' },
    { name: 'withdrawDelay', type: 'uint40' },
    { name: 'salt', type: 'bytes32' },
  ],
} as const;

let counter = 0n;

/** A channel that nobody has yet, from `payer` to `payTo`; vouchers are the payer's own to sign. */
export function channel(change: Partial<ChannelConfig> = {}): ChannelConfig {
  return {
    payer: payer.address,
    payerAuthorizer: zeroAddress,
    receiver: payTo.address,
    receiverAuthorizer: authorizer.address,
    token: CONTRACTS.Usdc,
    withdrawDelay: 900,
    salt: toHex(++counter, { size: 32 }),
    ...change,
  };
}

export const channelIdOf = (message: ChannelConfig, domain: object = BATCH_DOMAIN): Hex =>
  hashTypedData({ domain, types: CONFIG_TYPES, primaryType: 'ChannelConfig', message });

export const signVoucher = (
  config: ChannelConfig,
  maxClaimableAmount: bigint,
  by: LocalAccount = payer,
  domain: object = BATCH_DOMAIN,
) =>
  by.signTypedData({
    domain,
    types: voucherTypes,
    primaryType: 'Voucher',
    message: { channelId: channelIdOf(config), maxClaimableAmount },
  });

export const signRefund = (config: ChannelConfig, nonce: bigint, amount: bigint, by: LocalAccount = authorizer) =>
  by.signTypedData({
    domain: BATCH_DOMAIN,
    types: refundTypes,
    primaryType: 'Refund',
    message: { channelId: channelIdOf(config), nonce, amount },
  });

export interface Claim {
  readonly voucher: { readonly channel: ChannelConfig; readonly maxClaimableAmount: bigint };
  readonly signature: Hex;
  readonly totalClaimed: bigint;
}

/** A claim of `totalClaimed`, on a voucher for as much unless `max` says otherwise. */
export async function claimOf(
  config: ChannelConfig,
  totalClaimed: bigint,
  max = totalClaimed,
  by?: LocalAccount,
): Promise<Claim> {
  const signature = await signVoucher(config, max, by);
  return { voucher: { channel: config, maxClaimableAmount: max }, signature, totalClaimed };
}

export const signClaims = (claims: readonly Claim[], by: LocalAccount = authorizer) =>
  by.signTypedData({
    domain: BATCH_DOMAIN,
    types: claimBatchTypes,
    primaryType: 'ClaimBatch',
    message: {
      claims: claims.map(({ voucher, totalClaimed }) => ({
        channelId: channelIdOf(voucher.channel),
        maxClaimableAmount: voucher.maxClaimableAmount,
        totalClaimed,
      })),
    },
  });

/** What the EIP-3009 collector wants for a deposit of `value` into `config`. */
export async function erc3009Data(
  contracts: Contracts,
  config: ChannelConfig,
  value: bigint,
  {
    by = payer,
    salt = ++counter,
    validAfter = 0n,
    validBefore = 99_999_999_999n,
    nonce = undefined as Hex | undefined,
  } = {},
): Promise<Hex> {
  const signature = await by.signTypedData({
    domain: { name: 'USDC', version: '2', chainId: contracts.chain.chainId, verifyingContract: CONTRACTS.Usdc },
    types: {
      ReceiveWithAuthorization: [
        { name: 'from', type: 'address' },
        { name: 'to', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'validAfter', type: 'uint256' },
        { name: 'validBefore', type: 'uint256' },
        { name: 'nonce', type: 'bytes32' },
      ],
    },
    primaryType: 'ReceiveWithAuthorization',
    message: {
      from: config.payer,
      to: CONTRACTS.Erc3009DepositCollector,
      value,
      validAfter,
      validBefore,
      nonce:
        nonce ??
        keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], [channelIdOf(config), salt])),
    },
  });
  return encodeAbiParameters(
    [{ type: 'uint256' }, { type: 'uint256' }, { type: 'uint256' }, { type: 'bytes' }],
    [validAfter, validBefore, salt, signature],
  );
}

/** Opens or fills a channel through the EIP-3009 collector. */
export async function deposit(contracts: Contracts, config: ChannelConfig, amount: bigint): Promise<void> {
  const data = await erc3009Data(contracts, config, amount);
  const args = [config, amount, CONTRACTS.Erc3009DepositCollector, data];
  await contracts.send(facilitator, 'X402BatchSettlement', 'deposit', args);
}

/** The channel as the contract has it. */
export async function stateOf(contracts: Contracts, config: ChannelConfig) {
  const channelId = channelIdOf(config);
  const [balance, claimed] = await contracts.read<[bigint, bigint]>('X402BatchSettlement', 'channels', [channelId]);
  const [withdrawing, since] = await contracts.read<[bigint, number]>('X402BatchSettlement', 'pendingWithdrawals', [
    channelId,
  ]);
  const refundNonce = await contracts.read<bigint>('X402BatchSettlement', 'refundNonce', [channelId]);
  return { balance, claimed, withdrawing, since, refundNonce };
}
