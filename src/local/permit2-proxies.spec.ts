import { permit2WitnessTypes, uptoPermit2WitnessTypes } from '@x402/evm';
import { erc20Abi, keccak256, toBytes, zeroAddress, type Address, type Hex, type LocalAccount } from 'viem';
import { mintUsdc } from './chain';
import { CONTRACTS } from './chain-contracts';
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
  await mintUsdc(contracts.chain.rpcUrl, payer.address, 1_000_000n);
  await contracts.send(payer, 'Usdc', 'approve', [CONTRACTS.Permit2, 1_000_000n]);
});
afterAll(() => contracts.chain.stop());

const PROXIES = {
  exact: { name: 'X402ExactPermit2Proxy', types: permit2WitnessTypes },
  upto: { name: 'X402UptoPermit2Proxy', types: uptoPermit2WitnessTypes },
} as const;
type Scheme = keyof typeof PROXIES;

interface Payment {
  readonly permitted: { readonly token: Address; readonly amount: bigint };
  readonly nonce: bigint;
  readonly deadline: bigint;
  readonly owner: Address;
  readonly witness: { readonly to: Address; readonly facilitator: Address; readonly validAfter: bigint };
}

async function payment(change: Partial<Payment['witness'] & { owner: Address }> = {}): Promise<Payment> {
  const { owner = payer.address, ...witness } = change;
  return {
    permitted: { token: CONTRACTS.Usdc, amount: 1_000n },
    nonce: nonce++,
    deadline: (await contracts.now()) + 600n,
    owner,
    witness: { to: payTo.address, facilitator: facilitator.address, validAfter: 0n, ...witness },
  };
}

/** With the types of the published package; `spender` is the proxy it knows. */
const sign = (scheme: Scheme, message: Payment, signer: LocalAccount = payer, spender: Scheme = scheme) =>
  signer.signTypedData({
    domain: { name: 'Permit2', chainId: contracts.chain.chainId, verifyingContract: CONTRACTS.Permit2 },
    types: PROXIES[scheme].types,
    primaryType: 'PermitWitnessTransferFrom',
    message: { ...message, spender: CONTRACTS[PROXIES[spender].name] },
  });

function args(scheme: Scheme, message: Payment, signature: Hex, amount: bigint) {
  const { permitted, deadline, owner, witness } = message;
  const permit = { permitted, nonce: message.nonce, deadline };
  return [permit, ...(scheme === 'upto' ? [amount] : []), owner, witness, signature];
}
const refusal = (scheme: Scheme, message: Payment, signature: Hex, amount = 1_000n, sender = facilitator) =>
  contracts.refusal(sender, PROXIES[scheme].name, 'settle', args(scheme, message, signature, amount));
const settle = (scheme: Scheme, message: Payment, signature: Hex, amount = 1_000n, sender = facilitator) =>
  contracts.send(sender, PROXIES[scheme].name, 'settle', args(scheme, message, signature, amount));

describe.each(['exact', 'upto'] as const)('the proxy of %s', (scheme) => {
  it('pays once, to whom the payer signed', async () => {
    const message = await payment();
    const signature = await sign(scheme, message);
    const before = await contracts.balance(payTo.address);
    expect((await settle(scheme, message, signature)).events).toEqual(['Settled']);
    expect(await contracts.balance(payTo.address)).toBe(before + 1_000n);
    expect(await refusal(scheme, message, signature)).toBe('InvalidNonce');
  });

  it('pays nobody else, and nothing that was signed for another spender or by another', async () => {
    const message = await payment();
    const signature = await sign(scheme, message);
    for (const change of [{ to: facilitator.address }, { validAfter: 1n }]) {
      const other = { ...message, witness: { ...message.witness, ...change } };
      expect(await refusal(scheme, other, signature)).toBe('InvalidSigner');
    }
    const spender = scheme === 'exact' ? 'upto' : 'exact';
    expect(await refusal(scheme, message, await sign(scheme, message, payer, spender))).toBe('InvalidSigner');
    expect(await refusal(scheme, message, await sign(scheme, message, payTo))).toBe('InvalidSigner');
    for (const wrong of Object.values(forgeries(signature))) {
      expect(await refusal(scheme, message, wrong)).toMatch(/^InvalidSign(er|ature|atureLength)$/);
    }
    expect(await refusal(scheme, message, signature)).toBeUndefined();
  });

  it('pays from validAfter on, until the deadline', async () => {
    const start = (await contracts.now()) + 100n;
    const message = { ...(await payment({ validAfter: start })), deadline: start + 10n };
    const signature = await sign(scheme, message);
    await contracts.mineAt(start - 1n);
    expect(await refusal(scheme, message, signature)).toBe('PaymentTooEarly');
    await contracts.mineAt(start);
    expect(await refusal(scheme, message, signature)).toBeUndefined();
    await contracts.mineAt(start + 10n);
    expect(await refusal(scheme, message, signature)).toBeUndefined();
    await contracts.mineAt(start + 11n);
    expect(await refusal(scheme, message, signature)).toBe('SignatureExpired');
  });

  it('refuses nobody as payer or payee', async () => {
    const message = await payment();
    const signature = await sign(scheme, message);
    expect(await refusal(scheme, { ...message, owner: zeroAddress }, signature)).toBe('InvalidOwner');
    const toNobody = await payment({ to: zeroAddress });
    expect(await refusal(scheme, toNobody, await sign(scheme, toNobody))).toBe('InvalidDestination');
  });

  it('pays from a contract wallet', async () => {
    const owner = await contracts.deployWallet(payer.address);
    await mintUsdc(contracts.chain.rpcUrl, owner, 1_000n);
    await contracts.client.impersonateAccount({ address: owner });
    await contracts.client.setBalance({ address: owner, value: 10n ** 18n });
    const approve = { address: CONTRACTS.Usdc, abi: erc20Abi, functionName: 'approve', account: owner } as const;
    await contracts.client.writeContract({ ...approve, args: [CONTRACTS.Permit2, 1_000n] });
    const message = await payment({ owner });
    expect(await refusal(scheme, message, await sign(scheme, message, payTo))).toBe('InvalidContractSignature');
    await settle(scheme, message, await sign(scheme, message));
    expect(await contracts.balance(owner)).toBe(0n);
  });

  it('takes the approval along, also when somebody else sent it first', async () => {
    const message = await payment();
    const signature = await sign(scheme, message);
    const permit2612 = await approvePermit2(contracts, 1_000n);
    const tail = args(scheme, message, signature, 1_000n);
    const { name } = PROXIES[scheme];
    await contracts.send(payer, 'Usdc', 'approve', [CONTRACTS.Permit2, 0n]);
    expect(await refusal(scheme, message, signature)).toBe('ERC20InsufficientAllowance');
    expect(
      await contracts.refusal(facilitator, name, 'settleWithPermit', [await approvePermit2(contracts, 999n), ...tail]),
    ).toBe('Permit2612AmountMismatch');
    const { value, deadline, v, r, s } = permit2612;
    await contracts.send(payTo, 'Usdc', 'permit', [payer.address, CONTRACTS.Permit2, value, deadline, v, r, s]);
    const { events } = await contracts.send(facilitator, name, 'settleWithPermit', [permit2612, ...tail]);
    expect(events).toEqual(['SettledWithPermit']);

    const next = await payment();
    const nextArgs = args(scheme, next, await sign(scheme, next), 1_000n);
    await contracts.send(facilitator, name, 'settleWithPermit', [await approvePermit2(contracts, 1_000n), ...nextArgs]);
    await contracts.send(payer, 'Usdc', 'approve', [CONTRACTS.Permit2, 1_000_000n]);
  });

  it('says what it is', async () => {
    const { name, types } = PROXIES[scheme];
    const members = types.Witness.map((member) => `${member.type} ${member.name}`).join(',');
    expect(await contracts.read(name, 'PERMIT2')).toBe(CONTRACTS.Permit2);
    expect(await contracts.read(name, 'WITNESS_TYPEHASH')).toBe(keccak256(toBytes(`Witness(${members})`)));
    expect(await contracts.read(name, 'WITNESS_TYPE_STRING')).toBe(
      `Witness witness)TokenPermissions(address token,uint256 amount)Witness(${members})`,
    );
  });
});

describe('the proxy of upto', () => {
  it('takes the part that the facilitator says, and no more than was permitted', async () => {
    const message = await payment();
    const signature = await sign('upto', message);
    const before = await contracts.balance(payTo.address);
    expect(await refusal('upto', message, signature, 1_001n)).toBe('AmountExceedsPermitted');
    expect(await refusal('upto', message, signature, 0n)).toBe('InvalidAmount');
    await settle('upto', message, signature, 123n);
    expect(await contracts.balance(payTo.address)).toBe(before + 123n);
    expect(await refusal('upto', message, signature, 1n)).toBe('InvalidNonce');
  });

  it('obeys the facilitator whom the payer signed for, and nobody in its place', async () => {
    const message = await payment();
    const signature = await sign('upto', message);
    expect(await refusal('upto', message, signature, 1_000n, payTo)).toBe('UnauthorizedFacilitator');
    const claimed = { ...message, witness: { ...message.witness, facilitator: payTo.address } };
    expect(await refusal('upto', claimed, signature, 1_000n, payTo)).toBe('InvalidSigner');
  });
});

describe('the proxy of exact', () => {
  it('may be sent by anybody', async () => {
    const message = await payment();
    expect(await refusal('exact', message, await sign('exact', message), 1_000n, payTo)).toBeUndefined();
  });
});
