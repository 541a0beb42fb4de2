import type { LocalAccount } from 'viem';
import { mintUsdc } from './chain';
import { channel, claimOf, deposit, signRefund, stateOf, type ChannelConfig } from './channels.fixture';
import { facilitator, forgeries, openContracts, payer, payTo, type Contracts } from './contracts.fixture';

let contracts: Contracts;

beforeAll(async () => {
  contracts = await openContracts();
  await mintUsdc(contracts.chain.rpcUrl, payer.address, 10_000_000n);
});
afterAll(() => contracts.chain.stop());

async function open(amount: bigint, change: Partial<ChannelConfig> = {}): Promise<ChannelConfig> {
  const config = channel(change);
  await deposit(contracts, config, amount);
  return config;
}
const send = (account: LocalAccount, name: string, ...args: unknown[]) =>
  contracts.send(account, 'X402BatchSettlement', name, args);
const refusal = (account: LocalAccount, name: string, ...args: unknown[]) =>
  contracts.refusal(account, 'X402BatchSettlement', name, args);
const claim = async (config: ChannelConfig, total: bigint) => send(payTo, 'claim', [await claimOf(config, total)]);

describe('a withdrawal', () => {
  it('pays the payer after the delay, to the second, and once', async () => {
    const config = await open(1_000n);
    expect(await refusal(payer, 'finalizeWithdraw', config)).toBe('WithdrawalNotPending');
    await send(payer, 'initiateWithdraw', config, 700n);
    const { since, withdrawing } = await stateOf(contracts, config);
    expect({ since, withdrawing }).toEqual({ since: Number(await contracts.now()), withdrawing: 700n });
    expect(await refusal(payer, 'initiateWithdraw', config, 1n)).toBe('WithdrawalAlreadyPending');

    await contracts.mineAt(BigInt(since) + 899n);
    expect(await refusal(payer, 'finalizeWithdraw', config)).toBe('WithdrawDelayNotElapsed');
    await contracts.mineAt(BigInt(since) + 900n);
    const before = await contracts.balance(payer.address);
    expect((await send(payer, 'finalizeWithdraw', config)).events).toEqual(['WithdrawFinalized']);
    expect(await contracts.balance(payer.address)).toBe(before + 700n);
    expect(await stateOf(contracts, config)).toMatchObject({ balance: 300n, withdrawing: 0n, since: 0 });
    expect(await refusal(payer, 'finalizeWithdraw', config)).toBe('WithdrawalNotPending');
  });

  it('is the payer’s side’s to ask for, and only of what is not claimed', async () => {
    const config = await open(1_000n, { payerAuthorizer: facilitator.address });
    await send(payTo, 'claim', [await claimOf(config, 400n, 400n, facilitator)]);
    expect(await refusal(payTo, 'initiateWithdraw', config, 1n)).toBe('InvalidChannel');
    expect(await refusal(payer, 'initiateWithdraw', config, 0n)).toBe('NothingToWithdraw');
    expect(await refusal(payer, 'initiateWithdraw', config, 601n)).toBe('WithdrawAmountExceedsAvailable');
    expect(await refusal(facilitator, 'initiateWithdraw', config, 600n)).toBeUndefined();
    expect(await refusal(payTo, 'finalizeWithdraw', config)).toBe('NotAuthorizedToFinalizeWithdraw');
  });

  it('loses to a claim that comes in time, and wins over one that comes late', async () => {
    const [claimed, missed] = [await open(1_000n), await open(1_000n)];
    await send(payer, 'initiateWithdraw', claimed, 1_000n);
    await send(payer, 'initiateWithdraw', missed, 1_000n);
    await claim(claimed, 800n);
    await contracts.mineAt((await contracts.now()) + 1_000n);
    const before = await contracts.balance(payer.address);
    await send(payer, 'finalizeWithdraw', claimed);
    expect(await contracts.balance(payer.address)).toBe(before + 200n);
    await send(payer, 'finalizeWithdraw', missed);
    expect(await refusal(payTo, 'claim', [await claimOf(missed, 800n)])).toBe('ClaimExceedsBalance');
    expect(await stateOf(contracts, claimed)).toMatchObject({ balance: 800n, claimed: 800n });
  });

  it('of all that was claimed meanwhile pays nothing and ends', async () => {
    const config = await open(1_000n);
    await send(payer, 'initiateWithdraw', config, 1_000n);
    await claim(config, 1_000n);
    await contracts.mineAt((await contracts.now()) + 1_000n);
    const before = await contracts.balance(payer.address);
    await send(payer, 'finalizeWithdraw', config);
    expect(await contracts.balance(payer.address)).toBe(before);
    expect(await stateOf(contracts, config)).toMatchObject({ balance: 1_000n, withdrawing: 0n, since: 0 });
  });
});

describe('a refund', () => {
  const refund = async (config: ChannelConfig, nonce: bigint, amount: bigint) =>
    send(facilitator, 'refundWithSignature', config, amount, nonce, await signRefund(config, nonce, amount));

  it('gives back what is not claimed, and counts', async () => {
    const config = await open(1_000n);
    await claim(config, 300n);
    const before = await contracts.balance(payer.address);
    expect((await refund(config, 0n, 100n)).events).toEqual(['Refunded']);
    expect((await refund(config, 1n, 5_000n)).events).toEqual(['Refunded']); // capped
    expect((await refund(config, 2n, 1n)).events).toEqual([]); // nothing left: the nonce is spent all the same
    expect(await contracts.balance(payer.address)).toBe(before + 700n);
    expect(await stateOf(contracts, config)).toMatchObject({ balance: 300n, claimed: 300n, refundNonce: 3n });
  });

  it('is signed by the authorizer for one channel, nonce and amount', async () => {
    const [config, other] = [await open(1_000n), await open(1_000n)];
    const signature = await signRefund(config, 0n, 100n);
    const by = (wrong: `0x${string}`, target = config, nonce = 0n, amount = 100n) =>
      refusal(facilitator, 'refundWithSignature', target, amount, nonce, wrong);
    expect(await by(signature, other)).toBe('InvalidSignature');
    expect(await by(signature, config, 1n)).toBe('InvalidRefundNonce');
    expect(await by(signature, config, 0n, 101n)).toBe('InvalidSignature');
    expect(await by(await signRefund(config, 0n, 100n, payer))).toBe('InvalidSignature');
    for (const wrong of Object.values(forgeries(signature))) expect(await by(wrong)).toBe('InvalidSignature');
    expect(await by(await signRefund(config, 0n, 0n), config, 0n, 0n)).toBe('ZeroRefund');
    await refund(config, 0n, 100n);
    expect(await by(signature)).toBe('InvalidRefundNonce');
  });

  it('may be sent unsigned by the receiver’s side alone, and voids what was signed for the same nonce', async () => {
    const config = await open(1_000n);
    const signed = await signRefund(config, 0n, 1_000n);
    expect(await refusal(payer, 'refund', config, 1n)).toBe('NotAuthorizedToRefund');
    expect(await refusal(payTo, 'refund', config, 0n)).toBe('ZeroRefund');
    expect((await send(payTo, 'refund', config, 1n)).events).toEqual(['Refunded']);
    expect(await refusal(facilitator, 'refundWithSignature', config, 1_000n, 0n, signed)).toBe('InvalidRefundNonce');
    expect(
      await refusal(facilitator, 'refund', channel({ receiverAuthorizer: facilitator.address }), 1n),
    ).toBeUndefined();
  });

  it('shrinks a withdrawal that waits, or ends it', async () => {
    const config = await open(1_000n);
    await send(payer, 'initiateWithdraw', config, 600n);
    await refund(config, 0n, 200n);
    expect(await stateOf(contracts, config)).toMatchObject({ balance: 800n, withdrawing: 400n });
    await refund(config, 1n, 400n);
    expect(await stateOf(contracts, config)).toMatchObject({ balance: 400n, withdrawing: 0n, since: 0 });
  });
});
