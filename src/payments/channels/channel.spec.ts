import type { Hex } from 'viem';
import { type Channel, channelStateOf, faultOf } from './channel';
import type { ChannelConfig } from '../../evm/typed-digest';

const ID: Hex = `0x${'ab'.repeat(32)}`;
const channel = (more: Partial<Channel> = {}): Channel => ({
  id: ID,
  network: 'eip155:84532',
  customerId: 'cus_1',
  config: {} as ChannelConfig,
  charged: 100n,
  signedMax: 150n,
  signature: '0x01',
  balance: 1_000n,
  totalClaimed: 0n,
  withdrawRequestedAt: 0n,
  refundNonce: 0n,
  syncedAt: null,
  ...more,
});

test.each<[string, bigint, bigint, Partial<Channel>, string | undefined]>([
  ['exactly what was charged and the ceiling', 200n, 100n, {}, undefined],
  ['one atom less', 199n, 100n, {}, 'cumulative_amount_mismatch'],
  ['more, never used before: the price fell', 220n, 100n, {}, undefined],
  ['the used voucher again, though something is left of it', 150n, 40n, {}, 'cumulative_amount_mismatch'],
  ['the same sum as the used voucher, exactly due', 150n, 50n, {}, undefined],
  ['all of the balance', 1_000n, 900n, {}, undefined],
  ['more than the balance', 1_001n, 901n, {}, 'cumulative_exceeds_balance'],
  ['a channel that nobody paid into', 200n, 100n, { balance: 0n }, 'channel_not_found'],
  ['a channel whose payer wants the money back', 200n, 100n, { withdrawRequestedAt: 1n }, 'withdrawal_pending'],
])('a voucher: %s', (_what, max, ceiling, more, fault) => {
  expect(faultOf(channel(more), max, ceiling)).toBe(fault);
});

test('the state that stock clients read', () => {
  expect(channelStateOf(channel(), 120n)).toEqual({
    channelId: ID,
    balance: '1000',
    totalClaimed: '0',
    withdrawRequestedAt: 0,
    refundNonce: '0',
    chargedCumulativeAmount: '120',
  });
});
