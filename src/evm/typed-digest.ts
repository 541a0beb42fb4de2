import { type Hex, keccak256 } from 'viem';
import { BATCH_SETTLEMENT, PERMIT2 } from './contracts';

/*
 * EIP-712 digests of what payers sign, packed by hand: a general encoder takes fifty times as long, on the event loop.
 * Integers are `bigint` or decimal strings that fit their type. All results are lower-case hex of 32 bytes.
 */

export interface TokenDomain {
  readonly name: string;
  readonly version: string;
  readonly chainId: number;
  readonly address: Hex;
}

type Uint = bigint | string;

/** EIP-3009. Times are Unix seconds. */
export interface TransferAuthorization {
  readonly from: Hex;
  readonly to: Hex;
  readonly value: Uint;
  readonly validAfter: Uint;
  readonly validBefore: Uint;
  readonly nonce: Hex;
}

/** EIP-3009 `TransferWithAuthorization`: anybody may send it. */
export const transferDigest = (token: TokenDomain, authorization: TransferAuthorization): Hex =>
  digest(tokenDomain(token), struct(TRANSFER, authorizationWords(authorization)));

/** EIP-3009 `ReceiveWithAuthorization`: only `to` may send it. */
export const receiveDigest = (token: TokenDomain, authorization: TransferAuthorization): Hex =>
  digest(tokenDomain(token), struct(RECEIVE, authorizationWords(authorization)));

/** EIP-2612 `Permit`. */
export const permitDigest = (
  token: TokenDomain,
  permit: { owner: Hex; spender: Hex; value: Uint; nonce: Uint; deadline: Uint },
): Hex => {
  const { owner, spender, value, nonce, deadline } = permit;
  const words = [address(owner), address(spender), uint(value), uint(nonce), uint(deadline)];
  return digest(tokenDomain(token), struct(PERMIT, words));
};

export interface Permit2Transfer {
  readonly token: Hex;
  readonly amount: Uint;
  readonly spender: Hex;
  readonly nonce: Uint;
  readonly deadline: Uint;
}

export type Permit2Witness =
  | { readonly kind: 'exact'; readonly to: Hex; readonly validAfter: Uint }
  | { readonly kind: 'upto'; readonly to: Hex; readonly facilitator: Hex; readonly validAfter: Uint }
  | { readonly kind: 'deposit'; readonly channelId: Hex };

/** Permit2 `PermitWitnessTransferFrom` with the witness of one of x402's contracts. */
export function permit2Digest(chainId: number, transfer: Permit2Transfer, witness: Permit2Witness): Hex {
  const { token, amount, spender, nonce, deadline } = transfer;
  const permitted = struct(TOKEN_PERMISSIONS, [address(token), uint(amount)]);
  const words = [permitted, address(spender), uint(nonce), uint(deadline), struct(...witnessOf(witness))];
  return digest(permit2Domain(chainId), struct(PERMIT2_TRANSFER[witness.kind], words));
}

export interface ChannelConfig {
  readonly payer: Hex;
  readonly payerAuthorizer: Hex;
  readonly receiver: Hex;
  readonly receiverAuthorizer: Hex;
  readonly token: Hex;
  /** Seconds. */
  readonly withdrawDelay: number;
  readonly salt: Hex;
}

/** A channel's id is the digest of its configuration, so it belongs to one chain and one contract. */
export function channelIdOf(chainId: number, config: ChannelConfig): Hex {
  const parties = [config.payer, config.payerAuthorizer, config.receiver, config.receiverAuthorizer, config.token];
  const words = [...parties.map(address), uint(BigInt(config.withdrawDelay)), bytes32(config.salt)];
  return digest(batchDomain(chainId), struct(CHANNEL_CONFIG, words));
}

export const voucherDigest = (chainId: number, channelId: Hex, maxClaimableAmount: Uint): Hex =>
  digest(batchDomain(chainId), struct(VOUCHER, [bytes32(channelId), uint(maxClaimableAmount)]));

export const refundDigest = (chainId: number, refund: { channelId: Hex; nonce: Uint; amount: Uint }): Hex =>
  digest(batchDomain(chainId), struct(REFUND, [bytes32(refund.channelId), uint(refund.nonce), uint(refund.amount)]));

export interface ClaimEntry {
  readonly channelId: Hex;
  readonly maxClaimableAmount: Uint;
  readonly totalClaimed: Uint;
}

export function claimBatchDigest(chainId: number, claims: readonly ClaimEntry[]): Hex {
  const entries = claims.map(({ channelId, maxClaimableAmount, totalClaimed }) =>
    struct(CLAIM_ENTRY, [bytes32(channelId), uint(maxClaimableAmount), uint(totalClaimed)]),
  );
  return digest(batchDomain(chainId), struct(CLAIM_BATCH, [keccak(Buffer.concat(entries))]));
}

const authorizationWords = ({ from, to, value, validAfter, validBefore, nonce }: TransferAuthorization): Buffer[] => [
  address(from),
  address(to),
  uint(value),
  uint(validAfter),
  uint(validBefore),
  bytes32(nonce),
];

function witnessOf(witness: Permit2Witness): [Buffer, Buffer[]] {
  switch (witness.kind) {
    case 'exact':
      return [EXACT_WITNESS, [address(witness.to), uint(witness.validAfter)]];
    case 'upto':
      return [UPTO_WITNESS, [address(witness.to), address(witness.facilitator), uint(witness.validAfter)]];
    case 'deposit':
      return [DEPOSIT_WITNESS, [bytes32(witness.channelId)]];
  }
}

const keccak = (bytes: Uint8Array): Buffer => Buffer.from(keccak256(bytes, 'bytes').buffer);
const hashOf = (text: string): Buffer => keccak(Buffer.from(text));
const fromHex = (hex: Hex): Buffer => Buffer.from(hex.slice(2), 'hex');

const struct = (typeHash: Buffer, words: readonly Buffer[]): Buffer => keccak(Buffer.concat([typeHash, ...words]));

const PREFIX = Buffer.from([0x19, 0x01]);
const digest = (domain: Buffer, structHash: Buffer): Hex => keccak256(Buffer.concat([PREFIX, domain, structHash]));

function uint(value: Uint): Buffer {
  const hex = BigInt(value).toString(16);
  if (hex.length > 64 || hex.startsWith('-')) throw new RangeError('An integer does not fit 256 bits.');
  return Buffer.from(hex.padStart(64, '0'), 'hex');
}
const address = (value: Hex): Buffer => Buffer.concat([PADDING, fromHex(value)], 32);
const bytes32 = (value: Hex): Buffer => fromHex(value);
const PADDING = Buffer.alloc(12);

const UPTO = 'Witness(address to,address facilitator,uint256 validAfter)';
const EXACT = 'Witness(address to,uint256 validAfter)';
const DEPOSIT = 'DepositWitness(bytes32 channelId)';
const PERMISSIONS = 'TokenPermissions(address token,uint256 amount)';
const AUTHORIZATION = '(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)';
const ENTRY = 'ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)';
/** Referenced types follow in alphabetical order. */
const transferFrom = (witness: string, ...referenced: string[]): Buffer =>
  hashOf(
    `PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,${witness} witness)${referenced.join('')}`,
  );

const TRANSFER = hashOf(`TransferWithAuthorization${AUTHORIZATION}`);
const RECEIVE = hashOf(`ReceiveWithAuthorization${AUTHORIZATION}`);
const PERMIT = hashOf('Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)');
const TOKEN_PERMISSIONS = hashOf(PERMISSIONS);
const EXACT_WITNESS = hashOf(EXACT);
const UPTO_WITNESS = hashOf(UPTO);
const DEPOSIT_WITNESS = hashOf(DEPOSIT);
const PERMIT2_TRANSFER = {
  exact: transferFrom('Witness', PERMISSIONS, EXACT),
  upto: transferFrom('Witness', PERMISSIONS, UPTO),
  deposit: transferFrom('DepositWitness', DEPOSIT, PERMISSIONS),
};
const CHANNEL_CONFIG = hashOf(
  'ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)',
);
const VOUCHER = hashOf('Voucher(bytes32 channelId,uint128 maxClaimableAmount)');
const REFUND = hashOf('Refund(bytes32 channelId,uint256 nonce,uint128 amount)');
const CLAIM_ENTRY = hashOf(ENTRY);
const CLAIM_BATCH = hashOf(`ClaimBatch(ClaimEntry[] claims)${ENTRY}`);

const DOMAIN = hashOf('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)');
const DOMAIN_WITHOUT_VERSION = hashOf('EIP712Domain(string name,uint256 chainId,address verifyingContract)');
const domains = new Map<string, Buffer>();

function separator(name: string, version: string | undefined, chainId: number, contract: Hex): Buffer {
  const key = JSON.stringify([name, version, chainId, contract]);
  let found = domains.get(key);
  if (!found) {
    const place = [uint(BigInt(chainId)), address(contract)];
    found =
      version === undefined
        ? struct(DOMAIN_WITHOUT_VERSION, [hashOf(name), ...place])
        : struct(DOMAIN, [hashOf(name), hashOf(version), ...place]);
    domains.set(key, found);
  }
  return found;
}

const tokenDomain = ({ name, version, chainId, address: token }: TokenDomain) =>
  separator(name, version, chainId, token);
const permit2Domain = (chainId: number) => separator('Permit2', undefined, chainId, PERMIT2);
const batchDomain = (chainId: number) => separator('x402 Batch Settlement', '1', chainId, BATCH_SETTLEMENT);
