import { claimBatchTypes, refundTypes, voucherTypes } from '@x402/evm';
import { computeChannelId } from '@x402/evm/batch-settlement/client';
import * as fc from 'fast-check';
import { hashTypedData, type Hex } from 'viem';
import { BATCH_DOMAIN, channelIdOf, type ChannelConfig } from '../../src/local/channels.fixture';
import { openContracts, type Contracts } from '../../src/local/contracts.fixture';

let contracts: Contracts;
beforeAll(async () => {
  contracts = await openContracts();
});
afterAll(() => contracts.chain.stop());

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((raw): Hex => `0x${Buffer.from(raw).toString('hex')}`);
const uint = (bits: number) => fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n });
const config: fc.Arbitrary<ChannelConfig> = fc.record({
  payer: hex(20),
  payerAuthorizer: hex(20),
  receiver: hex(20),
  receiverAuthorizer: hex(20),
  token: hex(20),
  withdrawDelay: fc.integer({ min: 0, max: 2 ** 40 - 1 }),
  salt: hex(32),
});
const digest = (name: string, ...args: unknown[]) => contracts.read<Hex>('X402BatchSettlement', name, args);
const RUNS = { numRuns: 50 };

describe('what the channels’ contract hashes is what clients sign', () => {
  it('for a channel', () =>
    fc.assert(
      fc.asyncProperty(config, async (channel) => {
        const onChain = await digest('getChannelId', channel);
        expect(onChain).toBe(channelIdOf(channel));
        expect(onChain).toBe(computeChannelId(channel, 'eip155:84532'));
      }),
      RUNS,
    ));

  it('for a voucher', () =>
    fc.assert(
      fc.asyncProperty(hex(32), uint(128), async (channelId, maxClaimableAmount) => {
        const message = { channelId, maxClaimableAmount };
        expect(await digest('getVoucherDigest', channelId, maxClaimableAmount)).toBe(
          hashTypedData({ domain: BATCH_DOMAIN, types: voucherTypes, primaryType: 'Voucher', message }),
        );
      }),
      RUNS,
    ));

  it('for a refund', () =>
    fc.assert(
      fc.asyncProperty(hex(32), uint(256), uint(128), async (channelId, nonce, amount) => {
        const message = { channelId, nonce, amount };
        expect(await digest('getRefundDigest', channelId, nonce, amount)).toBe(
          hashTypedData({ domain: BATCH_DOMAIN, types: refundTypes, primaryType: 'Refund', message }),
        );
      }),
      RUNS,
    ));

  it('for a batch of claims', () => {
    const entry = fc.record({ channel: config, maxClaimableAmount: uint(128), totalClaimed: uint(128) });
    return fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 5 }), async (entries) => {
        const onChain = entries.map(({ channel, maxClaimableAmount, totalClaimed }) => ({
          voucher: { channel, maxClaimableAmount },
          signature: '0x',
          totalClaimed,
        }));
        const claims = entries.map(({ channel, ...amounts }) => ({ channelId: channelIdOf(channel), ...amounts }));
        expect(await digest('getClaimBatchDigest', onChain)).toBe(
          hashTypedData({
            domain: BATCH_DOMAIN,
            types: claimBatchTypes,
            primaryType: 'ClaimBatch',
            message: { claims },
          }),
        );
      }),
      RUNS,
    );
  });
});
