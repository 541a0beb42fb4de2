import { encodeAbiParameters, encodeFunctionData, type Hex, keccak256, type Log, parseAbi, parseEventLogs } from 'viem';
import { BATCH_SETTLEMENT } from '../../evm/contracts';
import type { ChannelConfig } from '../../evm/typed-digest';

/** What is claimed of a channel: at most `max`, which its payer signed; `totalClaimed` of it by now. */
export interface VoucherClaim {
  readonly config: ChannelConfig;
  readonly max: bigint;
  readonly signature: Hex;
  readonly totalClaimed: bigint;
}

/** The functions of the published contract that are used here; an ABI is not exported by `@x402/evm` 2.27. */
export const CHANNELS_ABI = parseAbi([
  'struct ChannelConfig { address payer; address payerAuthorizer; address receiver; address receiverAuthorizer; address token; uint40 withdrawDelay; bytes32 salt; }',
  'struct Voucher { ChannelConfig channel; uint128 maxClaimableAmount; }',
  'struct VoucherClaim { Voucher voucher; bytes signature; uint128 totalClaimed; }',
  'function multicall(bytes[] data) returns (bytes[])',
  'function deposit(ChannelConfig config, uint128 amount, address collector, bytes collectorData)',
  'function claimWithSignature(VoucherClaim[] voucherClaims, bytes authorizerSignature)',
  'function settle(address receiver, address token)',
  'function refundWithSignature(ChannelConfig config, uint128 amount, uint256 nonce, bytes receiverAuthorizerSignature)',
  'function channels(bytes32 channelId) view returns (uint128 balance, uint128 totalClaimed)',
  'function pendingWithdrawals(bytes32 channelId) view returns (uint128 amount, uint40 initiatedAt)',
  'function refundNonce(bytes32 channelId) view returns (uint256)',
  'function receivers(address receiver, address token) view returns (uint128 totalClaimed, uint128 totalSettled)',
  'error InvalidSignature()',
  'error ClaimExceedsBalance()',
  'error ClaimExceedsCeiling()',
  'error NotReceiverAuthorizer()',
  'event Deposited(bytes32 indexed channelId, address indexed sender, uint128 amount, uint128 newBalance)',
  'event Settled(address indexed receiver, address indexed token, address indexed sender, uint128 amount)',
]);

/** An EIP-3009 deposit's nonce is bound to its channel. */
export const depositNonce = (channelId: Hex, salt: Hex): Hex =>
  keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], [channelId, BigInt(salt)]));

/** `collectorData` of an EIP-3009 deposit. */
export const erc3009CollectorData = (given: {
  validAfter: bigint;
  validBefore: bigint;
  salt: Hex;
  signature: Hex;
}): Hex =>
  encodeAbiParameters(
    [{ type: 'uint256' }, { type: 'uint256' }, { type: 'uint256' }, { type: 'bytes' }],
    [given.validAfter, given.validBefore, BigInt(given.salt), given.signature],
  );

export const depositCall = (config: ChannelConfig, amount: bigint, collector: Hex, collectorData: Hex): Hex =>
  encodeFunctionData({
    abi: CHANNELS_ABI,
    functionName: 'deposit',
    args: [config, amount, collector, collectorData],
  });

/** Claims and transfers to the receiver in one transaction: all of it or nothing. */
export const claimAndSettleCall = (claims: readonly VoucherClaim[], authorization: Hex): Hex => {
  const { receiver, token } = (claims[0] as VoucherClaim).config;
  return together([claimCall(claims, authorization), settleCall(receiver, token)]);
};

/** Claims what is due, transfers it to the receiver, and gives `amount` of the rest back to the payer. */
export const refundCall = (
  claim: { voucher: VoucherClaim; authorization: Hex } | undefined,
  refund: { config: ChannelConfig; amount: bigint; nonce: bigint; authorization: Hex },
): Hex => {
  const { config, amount, nonce, authorization } = refund;
  const back = encodeFunctionData({
    abi: CHANNELS_ABI,
    functionName: 'refundWithSignature',
    args: [config, amount, nonce, authorization],
  });
  if (!claim) return together([back]);
  return together([claimCall([claim.voucher], claim.authorization), settleCall(config.receiver, config.token), back]);
};

/** What was transferred to the receiver, log by log. */
export const settledIn = (
  logs: readonly Log<bigint, number, false>[],
  receiver: Hex,
  token: Hex,
): readonly { transaction: Hex; logIndex: number; amount: bigint }[] =>
  parseEventLogs({ abi: CHANNELS_ABI, logs: [...logs], eventName: 'Settled', args: { receiver, token } })
    .filter((log) => log.address.toLowerCase() === BATCH_SETTLEMENT.toLowerCase() && log.args.amount > 0n)
    .map((log) => ({ transaction: log.transactionHash, logIndex: log.logIndex, amount: log.args.amount }));

const claimCall = (claims: readonly VoucherClaim[], authorization: Hex): Hex =>
  encodeFunctionData({
    abi: CHANNELS_ABI,
    functionName: 'claimWithSignature',
    args: [
      claims.map(({ config, max, signature, totalClaimed }) => ({
        voucher: { channel: config, maxClaimableAmount: max },
        signature,
        totalClaimed,
      })),
      authorization,
    ],
  });

const settleCall = (receiver: Hex, token: Hex): Hex =>
  encodeFunctionData({ abi: CHANNELS_ABI, functionName: 'settle', args: [receiver, token] });

const together = (calls: readonly Hex[]): Hex =>
  encodeFunctionData({ abi: CHANNELS_ABI, functionName: 'multicall', args: [calls] });
