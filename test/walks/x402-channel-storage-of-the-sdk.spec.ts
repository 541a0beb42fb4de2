import type { Channel } from '@x402/evm/batch-settlement/server';
import { BatchSettlementChannelManager, BatchSettlementEvmScheme } from '@x402/evm/batch-settlement/server';
import { DEV_WALLETS } from '../../src/local/chain';
import { SdkChannelStorage } from '../../src/payments/channels/sdk-channel-storage.service';
import { channelClient } from '../support/channels';
import { payersWith, sql, startX402World, type X402World } from '../support/x402-world';

const COPIES = 25;

let world: X402World;
let storages: SdkChannelStorage[];

beforeAll(async () => {
  world = await startX402World({ replicas: 2, env: { JOBS_IN_PROCESS: 'false' } });
  storages = world.replicas.map(({ app }) => app.get(SdkChannelStorage));
  for (const payer of await payersWith(world.chain, 2, 2_000_000n)) {
    expect((await channelClient(world, payer).call()).status).toBe(200);
  }
});
afterAll(() => world?.stop());

const [first, second] = [() => storages[0] as SdkChannelStorage, () => storages[1] as SdkChannelStorage];

test('the published channel manager finds what our channels owe', async () => {
  const scheme = new BatchSettlementEvmScheme(DEV_WALLETS.payTo.address, { storage: first() });
  const manager = new BatchSettlementChannelManager({
    scheme,
    facilitator: {} as never,
    receiver: DEV_WALLETS.payTo.address,
    token: world.chain.usdc,
    network: 'eip155:84532',
  });

  const claimable = await manager.getClaimableVouchers();

  const channels = await sql(world, 'SELECT charged FROM channels ORDER BY channel_id');
  const claimed = claimable.map(({ totalClaimed }) => totalClaimed);
  expect(claimed.toSorted((a, b) => a.localeCompare(b))).toEqual(
    channels.map(({ charged }) => charged.toString()).toSorted((a, b) => a.localeCompare(b)),
  );
  expect(await manager.getWithdrawalPendingSessions()).toEqual([]);
});

test('changes of one channel at two replicas never meet', async () => {
  const [{ channelId, balance }] = (await first().list()) as [Channel];
  const add = (storage: SdkChannelStorage) =>
    storage.updateChannel(
      channelId,
      (current) => current && { ...current, balance: `${BigInt(current.balance) + 1n}` },
    );

  await Promise.all(Array.from({ length: COPIES }, (_, index) => add(index % 2 ? first() : second())));

  expect((await second().get(channelId.toUpperCase().replace('0X', '0x')))?.balance).toBe(
    (BigInt(balance) + BigInt(COPIES)).toString(),
  );
});

test('of many that reserve a channel, one gets it', async () => {
  const [{ channelId }] = (await first().list()) as [Channel];
  const reserve = async (storage: SdkChannelStorage, pendingId: string) => {
    const { status } = await storage.updateChannel(channelId, (current) =>
      current === undefined || (current.pendingRequest && current.pendingRequest.expiresAt > Date.now())
        ? current
        : { ...current, pendingRequest: { pendingId, signedMaxClaimable: '1', expiresAt: Date.now() + 60_000 } },
    );
    return status;
  };
  const outcomes = await Promise.all(
    Array.from({ length: COPIES }, (_, index) => reserve(index % 2 ? first() : second(), String(index))),
  );
  expect(outcomes.filter((status) => status === 'updated')).toHaveLength(1);
});

test('a channel is opened, left as it is, and deleted once it owes nothing', async () => {
  const [known] = (await first().list()) as [Channel];
  const channelId = `0x${'ab'.repeat(32)}`;
  const opened = { ...known, channelId, chargedCumulativeAmount: '5', signedMaxClaimable: '9', totalClaimed: '0' };

  expect((await first().updateChannel(channelId, () => opened)).status).toBe('updated');
  expect(await second().get(channelId)).toMatchObject({ chargedCumulativeAmount: '5', signedMaxClaimable: '9' });
  expect((await first().updateChannel(channelId, (current) => current)).status).toBe('unchanged');
  expect((await first().updateChannel(channelId, () => undefined)).status).toBe('unchanged');
  await first().updateChannel(channelId, (current) => current && { ...current, totalClaimed: '5' });
  expect((await first().updateChannel(channelId, () => undefined)).status).toBe('deleted');
  expect(await second().get(channelId)).toBeUndefined();
  await expect(
    first().updateChannel(known.channelId, () => {
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
});
