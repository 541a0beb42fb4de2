import {
  authorizationTypes,
  BATCH_SETTLEMENT_ADDRESS,
  BATCH_SETTLEMENT_DOMAIN,
  claimBatchTypes,
  PERMIT2_ADDRESS,
  permit2WitnessTypes,
  refundTypes,
  uptoPermit2WitnessTypes,
  voucherTypes,
} from '@x402/evm';
import { computeChannelId } from '@x402/evm/batch-settlement/client';
import fc from 'fast-check';
import { getAddress, hashTypedData, type Hex, maxUint128, maxUint256 } from 'viem';
import {
  channelIdOf,
  claimBatchDigest,
  permit2Digest,
  permitDigest,
  receiveDigest,
  refundDigest,
  type TokenDomain,
  transferDigest,
  voucherDigest,
} from '../../src/evm/typed-digest';

/* Digests packed by hand are those of viem's general encoder over the published type definitions. */

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((array): Hex => `0x${Buffer.from(array).toString('hex')}`);
// Capital letters as in a checksum, or none: both are the same address.
const address = fc.oneof(hex(20), hex(20).map(getAddress));
const bytes32 = hex(32);
const uint256 = fc.bigInt({ min: 0n, max: maxUint256 });
const uint128 = fc.bigInt({ min: 0n, max: maxUint128 });
const chainId = fc.integer({ min: 1, max: 2 ** 40 });
const token = fc.record({ name: fc.string(), version: fc.string(), chainId, address });
const authorization = fc.record({
  from: address,
  to: address,
  value: uint256,
  validAfter: uint256,
  validBefore: uint256,
  nonce: bytes32,
});

const tokenDomain = ({ name, version, chainId: id, address: contract }: TokenDomain) => ({
  name,
  version,
  chainId: id,
  verifyingContract: contract,
});
const batchDomain = (id: number) => ({
  ...BATCH_SETTLEMENT_DOMAIN,
  chainId: id,
  verifyingContract: BATCH_SETTLEMENT_ADDRESS,
});
const permit2Domain = (id: number) => ({ name: 'Permit2', chainId: id, verifyingContract: PERMIT2_ADDRESS });

test('EIP-3009: transfer and receive', () => {
  fc.assert(
    fc.property(token, authorization, (of, message) => {
      const domain = tokenDomain(of);
      expect(transferDigest(of, message)).toBe(
        hashTypedData({ domain, types: authorizationTypes, primaryType: 'TransferWithAuthorization', message }),
      );
      expect(receiveDigest(of, { ...message, value: message.value.toString() })).toBe(
        hashTypedData({
          domain,
          types: { ReceiveWithAuthorization: authorizationTypes.TransferWithAuthorization },
          primaryType: 'ReceiveWithAuthorization',
          message,
        }),
      );
    }),
  );
});

test('EIP-2612', () => {
  const permit = fc.record({ owner: address, spender: address, value: uint256, nonce: uint256, deadline: uint256 });
  fc.assert(
    fc.property(token, permit, (of, message) => {
      expect(permitDigest(of, message)).toBe(
        hashTypedData({ domain: tokenDomain(of), types: PERMIT_TYPES, primaryType: 'Permit', message }),
      );
    }),
  );
});

test('Permit2 with each witness', () => {
  const transfer = fc.record({ token: address, amount: uint256, spender: address, nonce: uint256, deadline: uint256 });
  const witness = fc.record({ to: address, facilitator: address, validAfter: uint256, channelId: bytes32 });
  fc.assert(
    fc.property(chainId, transfer, witness, (id, given, { to, facilitator, validAfter, channelId }) => {
      const { token: of, amount, ...rest } = given;
      const message = { permitted: { token: of, amount }, ...rest };
      const domain = permit2Domain(id);
      const primaryType = 'PermitWitnessTransferFrom';
      expect(permit2Digest(id, given, { kind: 'exact', to, validAfter })).toBe(
        hashTypedData({
          domain,
          types: permit2WitnessTypes,
          primaryType,
          message: { ...message, witness: { to, validAfter } },
        }),
      );
      expect(permit2Digest(id, given, { kind: 'upto', to, facilitator, validAfter })).toBe(
        hashTypedData({
          domain,
          types: uptoPermit2WitnessTypes,
          primaryType,
          message: { ...message, witness: { to, facilitator, validAfter } },
        }),
      );
      expect(permit2Digest(id, given, { kind: 'deposit', channelId })).toBe(
        hashTypedData({
          domain,
          types: DEPOSIT_TYPES,
          primaryType,
          message: { ...message, witness: { channelId } },
        }),
      );
    }),
  );
});

test('payment channels', () => {
  const config = fc.record({
    payer: address,
    payerAuthorizer: address,
    receiver: address,
    receiverAuthorizer: address,
    token: address,
    withdrawDelay: fc.integer({ min: 0, max: 2 ** 40 - 1 }),
    salt: bytes32,
  });
  const claim = fc.record({ channelId: bytes32, maxClaimableAmount: uint128, totalClaimed: uint128 });
  fc.assert(
    fc.property(chainId, config, fc.array(claim), uint256, (id, channel, claims, nonce) => {
      const domain = batchDomain(id);
      const channelId = channelIdOf(id, channel);
      expect(channelId).toBe(computeChannelId(channel, `eip155:${id}`));
      expect(voucherDigest(id, channelId, 5n)).toBe(
        hashTypedData({
          domain,
          types: voucherTypes,
          primaryType: 'Voucher',
          message: { channelId, maxClaimableAmount: 5n },
        }),
      );
      expect(refundDigest(id, { channelId, nonce, amount: '7' })).toBe(
        hashTypedData({
          domain,
          types: refundTypes,
          primaryType: 'Refund',
          message: { channelId, nonce, amount: 7n },
        }),
      );
      expect(claimBatchDigest(id, claims)).toBe(
        hashTypedData({ domain, types: claimBatchTypes, primaryType: 'ClaimBatch', message: { claims } }),
      );
    }),
  );
});

const PERMIT_TYPES = {
  Permit: [
    { name: 'owner', type: 'address' },
    { name: 'spender', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
} as const;

const DEPOSIT_TYPES = {
  PermitWitnessTransferFrom: [
    { name: 'permitted', type: 'TokenPermissions' },
    { name: 'spender', type: 'address' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
    { name: 'witness', type: 'DepositWitness' },
  ],
  TokenPermissions: permit2WitnessTypes.TokenPermissions,
  DepositWitness: [{ name: 'channelId', type: 'bytes32' }],
} as const;
