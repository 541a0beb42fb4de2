import { encodeFunctionData, type LocalAccount } from 'viem';
import { readArtifact } from './artifacts';
import { mintUsdc } from './chain';
import { CONTRACTS } from './chain-contracts';
import {
  authorizer,
  BATCH_DOMAIN,
  channel,
  claimOf,
  deposit,
  signClaims,
  signRefund,
  signVoucher,
  stateOf,
  type ChannelConfig,
  type Claim,
} from './channels.fixture';
import { facilitator, forgeries, openContracts, payer, payTo, type Contracts } from './contracts.fixture';

let contracts: Contracts;

beforeAll(async () => {
  contracts = await openContracts();
  await mintUsdc(contracts.chain.rpcUrl, payer.address, 10_000_000n);
});
afterAll(() => contracts.chain.stop());

const claim = async (claims: readonly Claim[], signature?: `0x${string}`) =>
  contracts.send(facilitator, 'X402BatchSettlement', 'claimWithSignature', [
    claims,
    signature ?? (await signClaims(claims)),
  ]);
const refusal = async (claims: readonly Claim[], signature?: `0x${string}`) =>
  contracts.refusal(facilitator, 'X402BatchSettlement', 'claimWithSignature', [
    claims,
    signature ?? (await signClaims(claims)),
  ]);
const settle = () => contracts.send(facilitator, 'X402BatchSettlement', 'settle', [payTo.address, CONTRACTS.Usdc]);

async function open(amount: bigint, change: Partial<ChannelConfig> = {}): Promise<ChannelConfig> {
  const config = channel(change);
  await deposit(contracts, config, amount);
  return config;
}

describe('claims', () => {
  it('are cumulative: many channels at once, each once, and paid out together', async () => {
    const [first, second] = [await open(1_000n), await open(2_000n)];
    const claims = [await claimOf(first, 300n, 500n), await claimOf(second, 2_000n)];
    const { events } = await claim(claims);
    expect(events).toEqual(['Claimed', 'Claimed']);
    expect((await claim(claims)).events).toEqual([]); // nothing new in it
    expect((await claim([await claimOf(first, 200n)])).events).toEqual([]); // nor in less
    expect((await claim([await claimOf(first, 450n, 500n)])).events).toEqual(['Claimed']);
    expect(await stateOf(contracts, first)).toMatchObject({ balance: 1_000n, claimed: 450n });

    const before = await contracts.balance(payTo.address);
    expect((await settle()).events).toEqual(['Settled']);
    expect((await settle()).events).toEqual([]);
    expect(await contracts.balance(payTo.address)).toBe(before + 2_450n);
    const totals = await contracts.read('X402BatchSettlement', 'receivers', [payTo.address, CONTRACTS.Usdc]);
    expect(totals).toEqual([2_450n, 2_450n]);
  });

  it('never exceed the voucher or the deposit', async () => {
    const config = await open(1_000n);
    expect(await refusal([await claimOf(config, 501n, 500n)])).toBe('ClaimExceedsCeiling');
    expect(await refusal([await claimOf(config, 1_001n)])).toBe('ClaimExceedsBalance');
    expect(await refusal([await claimOf(config, 1_000n, 5_000n)])).toBeUndefined();
    expect(await refusal([])).toBe('EmptyBatch');
  });

  it('need the voucher of this very channel, chain and contract', async () => {
    const [config, other] = [await open(1_000n), await open(1_000n)];
    const good = await claimOf(config, 100n);
    for (const signature of [
      await signVoucher(other, 100n),
      await signVoucher(config, 101n),
      await signVoucher(config, 100n, payTo),
      await signVoucher(config, 100n, payer, { ...BATCH_DOMAIN, chainId: 8453 }),
      await signVoucher(config, 100n, payer, { ...BATCH_DOMAIN, verifyingContract: CONTRACTS.Permit2 }),
      ...Object.values(forgeries(good.signature)),
    ]) {
      expect(await refusal([{ ...good, signature }])).toBe('InvalidSignature');
    }
    expect(await refusal([good])).toBeUndefined();
  });

  it('need the signature of the one authorizer of all channels over exactly these claims', async () => {
    const mine = await claimOf(await open(1_000n), 100n);
    const foreign = await claimOf(await open(1_000n, { receiverAuthorizer: payTo.address }), 100n);
    const signature = await signClaims([mine]);
    expect(await refusal([mine], await signClaims([mine], payTo))).toBe('InvalidSignature');
    expect(await refusal([{ ...mine, totalClaimed: 99n }], signature)).toBe('InvalidSignature');
    expect(await refusal([mine, mine], signature)).toBe('InvalidSignature');
    expect(await refusal([mine, foreign])).toBe('NotReceiverAuthorizer');
    for (const wrong of Object.values(forgeries(signature))) {
      expect(await refusal([mine], wrong)).toBe('InvalidSignature');
    }
    expect(await refusal([mine, mine])).toBeUndefined();
  });

  it('may be sent without a signature by the receiver’s side alone', async () => {
    const claims = [await claimOf(await open(1_000n, { receiverAuthorizer: facilitator.address }), 100n)];
    const by = (account: LocalAccount) => contracts.refusal(account, 'X402BatchSettlement', 'claim', [claims]);
    expect(await by(payer)).toBe('NotAuthorizedToClaim');
    expect(await by(payTo)).toBeUndefined();
    expect(await by(facilitator)).toBeUndefined();
    expect(await contracts.refusal(payTo, 'X402BatchSettlement', 'claim', [[]])).toBe('EmptyBatch');
    expect((await contracts.send(payTo, 'X402BatchSettlement', 'claim', [claims])).events).toEqual(['Claimed']);
  });

  it('take vouchers of the payer’s authorizer, and then not the payer’s', async () => {
    const config = await open(1_000n, { payerAuthorizer: authorizer.address });
    expect(await refusal([await claimOf(config, 100n)])).toBe('InvalidSignature');
    const twin = forgeries(await signVoucher(config, 100n, authorizer))['the high-s twin'] as `0x${string}`;
    expect(await refusal([{ ...(await claimOf(config, 100n)), signature: twin }])).toBe('ECDSAInvalidSignatureS');
    expect(await refusal([await claimOf(config, 100n, 100n, authorizer)])).toBeUndefined();
  });

  it('ask contract wallets, the payer’s and the authorizer’s', async () => {
    const wallet = await contracts.deployWallet(payer.address);
    await mintUsdc(contracts.chain.rpcUrl, wallet, 1_000n);
    const config = await open(1_000n, {
      payer: wallet,
      receiverAuthorizer: await contracts.deployWallet(payTo.address),
    });
    const good = await claimOf(config, 100n);
    expect(await refusal([good])).toBe('InvalidSignature');
    const byPayTo = await signClaims([good], payTo);
    expect(await refusal([await claimOf(config, 100n, 100n, payTo)], byPayTo)).toBe('InvalidSignature');
    expect((await claim([good], byPayTo)).events).toEqual(['Claimed']);
  });

  it('run together with a refund in one transaction, all or nothing', async () => {
    const config = await open(1_000n);
    const claims = [await claimOf(config, 400n)];
    const { abi } = readArtifact('X402BatchSettlement');
    const both = async (nonce: bigint) => [
      encodeFunctionData({ abi, functionName: 'claimWithSignature', args: [claims, await signClaims(claims)] }),
      encodeFunctionData({
        abi,
        functionName: 'refundWithSignature',
        args: [config, 1_000n, nonce, await signRefund(config, nonce, 1_000n)],
      }),
    ];
    expect(await contracts.refusal(facilitator, 'X402BatchSettlement', 'multicall', [await both(1n)])).toBe(
      'InvalidRefundNonce',
    );
    const before = await contracts.balance(payer.address);
    const { events } = await contracts.send(facilitator, 'X402BatchSettlement', 'multicall', [await both(0n)]);
    expect(events).toEqual(['Claimed', 'Refunded']);
    expect(await contracts.balance(payer.address)).toBe(before + 600n);
    expect(await stateOf(contracts, config)).toMatchObject({ balance: 400n, claimed: 400n, refundNonce: 1n });
  });
});
