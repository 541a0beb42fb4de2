import {
  hashDomain,
  parseSignature,
  serializeCompactSignature,
  signatureToCompactSignature,
  type Address,
  type Hex,
  type LocalAccount,
  type TypedDataDomain,
} from 'viem';
import { mintUsdc } from './chain';
import { CONTRACTS } from './chain-contracts';
import { facilitator, forgeries, openContracts, payer, payTo, type Contracts } from './contracts.fixture';

let contracts: Contracts;
let nonce = 0n;

beforeAll(async () => {
  contracts = await openContracts();
  await mintUsdc(contracts.chain.rpcUrl, payer.address, 1_000_000n);
  await contracts.send(payer, 'Usdc', 'approve', [CONTRACTS.Permit2, 1_000_000n]);
});
afterAll(() => contracts.chain.stop());

const domain = () => ({ name: 'Permit2', chainId: contracts.chain.chainId, verifyingContract: CONTRACTS.Permit2 });
const types = {
  PermitTransferFrom: [
    { name: 'permitted', type: 'TokenPermissions' },
    { name: 'spender', type: 'address' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
  TokenPermissions: [
    { name: 'token', type: 'address' },
    { name: 'amount', type: 'uint256' },
  ],
} as const;

async function permit(change: { amount?: bigint; deadline?: bigint; token?: Address } = {}) {
  const { amount = 1_000n, token = CONTRACTS.Usdc, deadline = (await contracts.now()) + 600n } = change;
  return { permitted: { token, amount }, nonce: nonce++, deadline };
}
type Permit = Awaited<ReturnType<typeof permit>>;

const sign = (message: Permit, signer: LocalAccount = payer, change: TypedDataDomain = {}) =>
  signer.signTypedData({
    domain: { ...domain(), ...change },
    types,
    primaryType: 'PermitTransferFrom',
    message: { ...message, spender: facilitator.address },
  });

function args(message: Permit, signature: Hex, amount = message.permitted.amount, owner: Address = payer.address) {
  return [message, { to: payTo.address, requestedAmount: amount }, owner, signature];
}
const refusal = (message: Permit, signature: Hex, amount?: bigint, sender: LocalAccount = facilitator) =>
  contracts.refusal(sender, 'Permit2', 'permitTransferFrom', args(message, signature, amount));

describe('Permit2', () => {
  it('has the domain that clients sign for', async () => {
    const separator = hashDomain({
      domain: { ...domain(), chainId: BigInt(contracts.chain.chainId) },
      types: {
        EIP712Domain: [
          { name: 'name', type: 'string' },
          { name: 'chainId', type: 'uint256' },
          { name: 'verifyingContract', type: 'address' },
        ],
      },
    });
    expect(await contracts.read('Permit2', 'DOMAIN_SEPARATOR')).toBe(separator);
  });

  it('moves up to what was permitted, once', async () => {
    const message = await permit();
    const signature = await sign(message);
    const before = await contracts.balance(payTo.address);
    expect(await refusal(message, signature, 1_001n)).toBe('InvalidAmount');
    await contracts.send(facilitator, 'Permit2', 'permitTransferFrom', args(message, signature, 400n));
    expect(await contracts.balance(payTo.address)).toBe(before + 400n);
    expect(await refusal(message, signature, 600n)).toBe('InvalidNonce');
  });

  it('is for the spender, the token and the amount that were signed, on this chain and contract', async () => {
    const message = await permit();
    const signature = await sign(message);
    expect(await refusal(message, signature, 1n, payTo)).toBe('InvalidSigner');
    for (const other of [
      { ...message, permitted: { ...message.permitted, token: CONTRACTS.Multicall3 } },
      { ...message, permitted: { ...message.permitted, amount: 1_001n } },
      { ...message, nonce: message.nonce + 1_000n },
      { ...message, deadline: message.deadline + 1n },
    ]) {
      expect(await refusal(other, signature, 1n)).toBe('InvalidSigner');
    }
    expect(await refusal(message, await sign(message, payer, { chainId: 8453 }))).toBe('InvalidSigner');
    const elsewhere = await sign(message, payer, { verifyingContract: CONTRACTS.Usdc });
    expect(await refusal(message, elsewhere)).toBe('InvalidSigner');
    expect(await refusal(message, await sign(message, payTo))).toBe('InvalidSigner');
    expect(await refusal(message, signature)).toBeUndefined();
  });

  it('is good up to and including the second of its deadline', async () => {
    const deadline = (await contracts.now()) + 100n;
    const message = await permit({ deadline });
    const signature = await sign(message);
    await contracts.mineAt(deadline);
    expect(await refusal(message, signature)).toBeUndefined();
    await contracts.mineAt(deadline + 1n);
    expect(await refusal(message, signature)).toBe('SignatureExpired');
  });

  it('takes the short form of a signature and refuses whatever else looks like it', async () => {
    const message = await permit();
    const signature = await sign(message);
    const compact = serializeCompactSignature(signatureToCompactSignature(parseSignature(signature)));
    expect(await refusal(message, compact)).toBeUndefined();
    const refusals = await Promise.all(
      Object.entries(forgeries(signature)).map(async ([what, wrong]) => [what, await refusal(message, wrong)]),
    );
    expect(Object.fromEntries(refusals)).toEqual({
      'the high-s twin': 'InvalidSignature',
      'v of 0 or 1': 'InvalidSignature',
      'the other v': expect.stringMatching(/^Invalid(Signer|Signature)$/),
      'r and s swapped': expect.stringMatching(/^Invalid(Signer|Signature)$/),
      'half of it': 'InvalidSignatureLength',
      'a byte more': 'InvalidSignatureLength',
      nothing: 'InvalidSignatureLength',
    });
  });

  it('voids nonces for their owner alone', async () => {
    const message = { ...(await permit()), nonce: (7n << 8n) | 3n };
    const signature = await sign(message);
    await contracts.send(payTo, 'Permit2', 'invalidateUnorderedNonces', [7n, 1n << 3n]);
    expect(await refusal(message, signature)).toBeUndefined();
    await contracts.send(payer, 'Permit2', 'invalidateUnorderedNonces', [7n, 1n << 3n]);
    expect(await refusal(message, signature)).toBe('InvalidNonce');
    expect(await refusal({ ...message, nonce: (7n << 8n) | 4n }, signature)).toBe('InvalidSigner');
    expect(await contracts.read('Permit2', 'nonceBitmap', [payer.address, 7n])).toBe(8n);
  });

  it('asks a contract wallet', async () => {
    const owner = await contracts.deployWallet(payer.address);
    const message = await permit();
    const by = async (signer: LocalAccount) =>
      contracts.refusal(
        facilitator,
        'Permit2',
        'permitTransferFrom',
        args(message, await sign(message, signer), 0n, owner),
      );
    expect(await by(payTo)).toBe('InvalidContractSignature');
    expect(await by(payer)).toBeUndefined();
  });

  it('moves nothing that was not approved', async () => {
    await contracts.send(payer, 'Usdc', 'approve', [CONTRACTS.Permit2, 999n]);
    const message = await permit();
    expect(await refusal(message, await sign(message))).toBe('ERC20InsufficientAllowance');
    await contracts.send(payer, 'Usdc', 'approve', [CONTRACTS.Permit2, 1_000_000n]);
  });
});
