import { encodeAbiParameters, zeroAddress, zeroHash, type Address, type Hex } from 'viem';
import { mintUsdc } from './chain';
import { CONTRACTS } from './chain-contracts';
import { channel, channelIdOf, deposit, erc3009Data, stateOf, type ChannelConfig } from './channels.fixture';
import {
  approvePermit2,
  facilitator,
  forgeries,
  openContracts,
  payer,
  payTo,
  type Contracts,
} from './contracts.fixture';

let contracts: Contracts;
let nonce = 0n;

beforeAll(async () => {
  contracts = await openContracts();
  await mintUsdc(contracts.chain.rpcUrl, payer.address, 10_000_000n);
});
afterAll(() => contracts.chain.stop());

type Collector = 'Erc3009DepositCollector' | 'Permit2DepositCollector';
const args = (config: ChannelConfig, amount: bigint, data: Hex, collector: Collector = 'Erc3009DepositCollector') => [
  config,
  amount,
  CONTRACTS[collector],
  data,
];
const refusal = (config: ChannelConfig, amount: bigint, data: Hex, collector?: Collector) =>
  contracts.refusal(facilitator, 'X402BatchSettlement', 'deposit', args(config, amount, data, collector));

describe('a channel', () => {
  it('is opened by its first deposit and filled by the next', async () => {
    const config = channel();
    const before = await contracts.balance(CONTRACTS.X402BatchSettlement);
    await deposit(contracts, config, 1_000n);
    await deposit(contracts, config, 500n);
    expect(await stateOf(contracts, config)).toMatchObject({ balance: 1_500n, claimed: 0n });
    expect(await contracts.balance(CONTRACTS.X402BatchSettlement)).toBe(before + 1_500n);
  });

  it.each<[string, Partial<ChannelConfig>, string]>([
    ['no payer', { payer: zeroAddress }, 'InvalidChannel'],
    ['no receiver', { receiver: zeroAddress }, 'InvalidChannel'],
    ['no authorizer of the receiver', { receiverAuthorizer: zeroAddress }, 'InvalidChannel'],
    ['no token', { token: zeroAddress }, 'InvalidChannel'],
    ['a delay under 15 minutes', { withdrawDelay: 899 }, 'WithdrawDelayOutOfRange'],
    ['a delay over 30 days', { withdrawDelay: 2_592_001 }, 'WithdrawDelayOutOfRange'],
  ])('with %s is none', async (_, change, error) => {
    expect(await refusal(channel(change), 1_000n, '0x')).toBe(error);
  });

  it('wants money, and a collector that brings it', async () => {
    expect(await refusal(channel(), 0n, '0x')).toBe('ZeroDeposit');
    const by = (collector: Address) =>
      contracts.refusal(facilitator, 'X402BatchSettlement', 'deposit', [channel(), 1n, collector, '0x']);
    expect(await by(zeroAddress)).toBe('InvalidCollector');
    // A collector that does nothing: code that stops at once.
    const idle = '0x00000000000000000000000000000000000001d1';
    await contracts.client.setCode({ address: idle, bytecode: '0x00' });
    expect(await by(idle)).toBe('DepositCollectionFailed');
  });
});

describe('the EIP-3009 collector', () => {
  it('collects an authorization once, for the channel that was signed', async () => {
    const config = channel();
    const data = await erc3009Data(contracts, config, 1_000n);
    expect(await refusal(channel(), 1_000n, data)).toBe('FiatTokenV2: invalid signature');
    expect(await refusal(config, 999n, data)).toBe('FiatTokenV2: invalid signature');
    await contracts.send(facilitator, 'X402BatchSettlement', 'deposit', args(config, 1_000n, data));
    expect(await refusal(config, 1_000n, data)).toBe('FiatTokenV2: authorization is used or canceled');
  });

  it('keeps to the time window and to the payer', async () => {
    const config = channel();
    const now = await contracts.now();
    const late = await erc3009Data(contracts, config, 1_000n, { validBefore: now });
    expect(await refusal(config, 1_000n, late)).toBe('FiatTokenV2: authorization is expired');
    const early = await erc3009Data(contracts, config, 1_000n, { validAfter: now + 100n });
    expect(await refusal(config, 1_000n, early)).toBe('FiatTokenV2: authorization is not yet valid');
    const foreign = await erc3009Data(contracts, config, 1_000n, { by: payTo });
    expect(await refusal(config, 1_000n, foreign)).toBe('FiatTokenV2: invalid signature');
    const otherNonce = await erc3009Data(contracts, config, 1_000n, { nonce: zeroHash });
    expect(await refusal(config, 1_000n, otherNonce)).toBe('FiatTokenV2: invalid signature');
    const tooMuch = await erc3009Data(contracts, config, 10n ** 12n);
    expect(await refusal(config, 10n ** 12n, tooMuch)).toBe('ERC20InsufficientBalance');
  });

  it('collects from a contract wallet', async () => {
    const wallet = await contracts.deployWallet(payer.address);
    await mintUsdc(contracts.chain.rpcUrl, wallet, 1_000n);
    const config = channel({ payer: wallet });
    await deposit(contracts, config, 1_000n);
    expect(await stateOf(contracts, config)).toMatchObject({ balance: 1_000n });
  });
});

describe('the Permit2 collector', () => {
  const approve = (value: bigint) => contracts.send(payer, 'Usdc', 'approve', [CONTRACTS.Permit2, value]);

  it('collects a permit once, for the channel that was signed', async () => {
    await approve(1_000_000n);
    const config = channel();
    const { data, signature } = await permit2Data(config, 1_000n);
    expect(await refusal(channel(), 1_000n, data, 'Permit2DepositCollector')).toBe('InvalidSigner');
    expect(await refusal(config, 999n, data, 'Permit2DepositCollector')).toBe('InvalidSigner');
    for (const wrong of Object.values(forgeries(signature))) {
      const { data: forged } = await permit2Data(config, 1_000n, { signature: wrong });
      expect(await refusal(config, 1_000n, forged, 'Permit2DepositCollector')).toMatch(/^InvalidSign/);
    }
    await contracts.send(
      facilitator,
      'X402BatchSettlement',
      'deposit',
      args(config, 1_000n, data, 'Permit2DepositCollector'),
    );
    expect(await stateOf(contracts, config)).toMatchObject({ balance: 1_000n });
    expect(await refusal(config, 1_000n, data, 'Permit2DepositCollector')).toBe('InvalidNonce');
  });

  it('takes the approval along', async () => {
    await approve(0n);
    const config = channel();
    const { data: bare } = await permit2Data(config, 1_000n);
    expect(await refusal(config, 1_000n, bare, 'Permit2DepositCollector')).toBe('ERC20InsufficientAllowance');
    const { data: less } = await permit2Data(config, 1_000n, { approval: await encodedApproval(999n) });
    expect(await refusal(config, 1_000n, less, 'Permit2DepositCollector')).toBe('Permit2612AmountMismatch');
    const { data } = await permit2Data(config, 1_000n, { approval: await encodedApproval(1_000n) });
    const given = args(config, 1_000n, data, 'Permit2DepositCollector');
    await contracts.send(facilitator, 'X402BatchSettlement', 'deposit', given);
    expect(await stateOf(contracts, config)).toMatchObject({ balance: 1_000n });
  });
});

it.each<Collector>(['Erc3009DepositCollector', 'Permit2DepositCollector'])(
  '%s obeys the channels’ contract alone',
  async (collector) => {
    const call = [payer.address, CONTRACTS.Usdc, 1n, zeroHash, '0x'];
    expect(await contracts.refusal(payer, collector, 'collect', call)).toBe('OnlyBatchSettlement');
  },
);

async function encodedApproval(amount: bigint): Promise<Hex> {
  const { value, deadline, v, r, s } = await approvePermit2(contracts, amount);
  return encodeAbiParameters(
    [{ type: 'uint256' }, { type: 'uint256' }, { type: 'uint8' }, { type: 'bytes32' }, { type: 'bytes32' }],
    [value, deadline, v, r, s],
  );
}

async function permit2Data(config: ChannelConfig, amount: bigint, change: { signature?: Hex; approval?: Hex } = {}) {
  const permit = { nonce: nonce++, deadline: (await contracts.now()) + 600n };
  const signature = await payer.signTypedData({
    domain: { name: 'Permit2', chainId: contracts.chain.chainId, verifyingContract: CONTRACTS.Permit2 },
    types: {
      PermitWitnessTransferFrom: [
        { name: 'permitted', type: 'TokenPermissions' },
        { name: 'spender', type: 'address' },
        { name: 'nonce', type: 'uint256' },
        { name: 'deadline', type: 'uint256' },
        { name: 'witness', type: 'DepositWitness' },
      ],
      TokenPermissions: [
        { name: 'token', type: 'address' },
        { name: 'amount', type: 'uint256' },
      ],
      DepositWitness: [{ name: 'channelId', type: 'bytes32' }],
    },
    primaryType: 'PermitWitnessTransferFrom',
    message: {
      ...permit,
      permitted: { token: CONTRACTS.Usdc, amount },
      spender: CONTRACTS.Permit2DepositCollector,
      witness: { channelId: channelIdOf(config) },
    },
  });
  const data = encodeAbiParameters(
    [{ type: 'uint256' }, { type: 'uint256' }, { type: 'bytes' }, { type: 'bytes' }],
    [permit.nonce, permit.deadline, change.signature ?? signature, change.approval ?? '0x'],
  );
  return { data, signature };
}
