import {
  createPublicClient,
  createWalletClient,
  encodeDeployData,
  hashDomain,
  http,
  parseEventLogs,
  parseSignature,
  publicActions,
  toHex,
  type Address,
  type Hex,
} from 'viem';
import { privateKeyToAccount, sign } from 'viem/accounts';
import { baseSepolia } from 'viem/chains';
import { readArtifact } from './artifacts';
import { DEV_WALLETS, fundEth, mintUsdc, startChain, type LocalChain } from './chain';

const { abi } = readArtifact('Usdc');
const payer = privateKeyToAccount(DEV_WALLETS.payer.privateKey);
const payTo = privateKeyToAccount(DEV_WALLETS.payTo.privateKey);
const facilitator = privateKeyToAccount(DEV_WALLETS.facilitator.privateKey);
const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n; // of secp256k1

const parties = [
  { name: 'from', type: 'address' },
  { name: 'to', type: 'address' },
  { name: 'value', type: 'uint256' },
  { name: 'validAfter', type: 'uint256' },
  { name: 'validBefore', type: 'uint256' },
  { name: 'nonce', type: 'bytes32' },
] as const;
const types = {
  TransferWithAuthorization: parties,
  ReceiveWithAuthorization: parties,
  CancelAuthorization: [
    { name: 'authorizer', type: 'address' },
    { name: 'nonce', type: 'bytes32' },
  ],
  Permit: [
    { name: 'owner', type: 'address' },
    { name: 'spender', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
} as const;

let chain: LocalChain;
let counter = 0n;
const freshNonce = () => toHex(++counter, { size: 32 });
const now = () => BigInt(Math.floor(Date.now() / 1000));

beforeAll(async () => {
  chain = await startChain();
  await mintUsdc(chain.rpcUrl, payer.address, 10_000_000n);
});
afterAll(() => chain.stop());

const domain = () => ({ name: 'USDC', version: '2', chainId: chain.chainId, verifyingContract: chain.usdc });
const walletOf = (account: typeof payer, rpcUrl = chain.rpcUrl) =>
  createWalletClient({ account, chain: baseSepolia, transport: http(rpcUrl), pollingInterval: 20 }).extend(
    publicActions,
  );
const read = (functionName: string, args: unknown[] = []) =>
  walletOf(payer).readContract({ address: chain.usdc, abi, functionName, args });
const balance = async (owner: Address) => (await read('balanceOf', [owner])) as bigint;

async function send(functionName: string, args: unknown[], account = facilitator) {
  const wallet = walletOf(account);
  const hash = await wallet.writeContract({ address: chain.usdc, abi, functionName, args });
  const receipt = await wallet.waitForTransactionReceipt({ hash });
  return parseEventLogs({ abi, logs: receipt.logs }).map((log) => (log as unknown as { eventName: string }).eventName);
}

function authorization(change: Partial<{ from: Address; validAfter: bigint; validBefore: bigint; nonce: Hex }> = {}) {
  const window = { validAfter: now() - 600n, validBefore: now() + 600n };
  return { from: payer.address, to: payTo.address, value: 1_000n, nonce: freshNonce(), ...window, ...change };
}
type Authorization = ReturnType<typeof authorization>;

const signTransfer = (message: Authorization) =>
  payer.signTypedData({ domain: domain(), types, primaryType: 'TransferWithAuthorization', message });
const fields = (a: Authorization) => [a.from, a.to, a.value, a.validAfter, a.validBefore, a.nonce];
const vrs = (signature: Hex) => {
  const { v, r, s } = parseSignature(signature);
  return [Number(v), r, s];
};
const transfer = (a: Authorization, signature: Hex) => send('transferWithAuthorization', [...fields(a), signature]);

describe('the local chain', () => {
  it('passes for Base Sepolia with USDC and Multicall3', async () => {
    expect(await walletOf(payer).getChainId()).toBe(84532);
    const names = ['name', 'symbol', 'version', 'decimals', 'DOMAIN_SEPARATOR'];
    // viem sends these through Multicall3's aggregate3
    const answers = await walletOf(payer).multicall({
      allowFailure: false,
      contracts: names.map((functionName) => ({ address: chain.usdc, abi, functionName })),
    });
    const separator = hashDomain({
      domain: { ...domain(), chainId: BigInt(chain.chainId) },
      types: {
        EIP712Domain: [
          { name: 'name', type: 'string' },
          { name: 'version', type: 'string' },
          { name: 'chainId', type: 'uint256' },
          { name: 'verifyingContract', type: 'address' },
        ],
      },
    });
    expect(answers).toEqual(['USDC', 'USDC', '2', 6, separator]);
  });

  it('tells a call the time of today before any transaction was made', async () => {
    const quiet = await startChain();
    try {
      const client = createPublicClient({ chain: baseSepolia, transport: http(quiet.rpcUrl) });
      const { data } = await client.call({ data: '0x425f5260205ff3' }); // return block.timestamp
      expect(Number(now() - BigInt(data ?? 0))).toBeLessThan(30);
    } finally {
      await quiet.stop();
    }
  });

  it('sets the gas money of an account', async () => {
    const address = '0x00000000000000000000000000000000000000F1';
    await fundEth(chain.rpcUrl, address, 5n);
    expect(await walletOf(payer).getBalance({ address })).toBe(5n);
  });
});

describe('transferWithAuthorization', () => {
  it.each(['(v, r, s)', 'bytes'])('moves money once on a signature given as %s', async (form) => {
    const before = await balance(payTo.address);
    const message = authorization();
    const signature = await signTransfer(message);
    const args = [...fields(message), ...(form === 'bytes' ? [signature] : vrs(signature))];
    expect(await send('transferWithAuthorization', args)).toEqual(['AuthorizationUsed', 'Transfer']);
    expect(await balance(payTo.address)).toBe(before + message.value);
    expect(await read('authorizationState', [payer.address, message.nonce])).toBe(true);
    await expect(send('transferWithAuthorization', args)).rejects.toThrow('authorization is used or canceled');
  });

  it.each([
    ['expired', { validBefore: 1_000n }, 'authorization is expired'],
    ['not yet valid', { validAfter: 99_999_999_999n }, 'authorization is not yet valid'],
  ])('refuses one that is %s', async (_, change, sentence) => {
    const message = authorization(change);
    await expect(transfer(message, await signTransfer(message))).rejects.toThrow(sentence);
  });

  it('refuses high-s, odd v, short, empty and foreign signatures', async () => {
    const message = authorization();
    const signature = await signTransfer(message);
    const { r, s, yParity } = parseSignature(signature);
    const highS = `${r}${(ORDER - BigInt(s)).toString(16).padStart(64, '0')}${yParity ? '1b' : '1c'}` as Hex;
    const foreign = await payTo.signTypedData({
      domain: domain(),
      types,
      primaryType: 'TransferWithAuthorization',
      message,
    });
    const oddV = `${signature.slice(0, -2)}1d` as Hex;
    for (const wrong of [highS, oddV, signature.slice(0, -2) as Hex, '0x' as const, foreign]) {
      await expect(transfer(message, wrong)).rejects.toThrow('FiatTokenV2: invalid signature');
    }
    await expect(send('transferWithAuthorization', [...fields(message), ...vrs(highS)])).rejects.toThrow(
      'FiatTokenV2: invalid signature',
    );
    await transfer(message, signature); // it was a good one
  });

  it('refuses what the payer does not have', async () => {
    const message = { ...authorization(), value: 10n ** 18n };
    await expect(transfer(message, await signTransfer(message))).rejects.toThrow('ERC20InsufficientBalance');
  });

  it('pays from a contract wallet through EIP-1271', async () => {
    const { abi: walletAbi, bytecode } = readArtifact('ContractWallet');
    const deployer = walletOf(facilitator);
    const hash = await deployer.sendTransaction({
      data: encodeDeployData({ abi: walletAbi, bytecode, args: [payer.address] }),
    });
    const { contractAddress } = await deployer.waitForTransactionReceipt({ hash });
    const from = contractAddress as Address;
    await mintUsdc(chain.rpcUrl, from, 1_000n);
    const message = authorization({ from });
    await expect(transfer(message, `0x${'11'.repeat(65)}`)).rejects.toThrow('FiatTokenV2: invalid signature');
    await transfer(message, await signTransfer(message));
    expect(await balance(from)).toBe(0n);
  });
});

describe('the other signed calls', () => {
  it.each(['(v, r, s)', 'bytes'])('receiveWithAuthorization (%s) is for the payee only', async (form) => {
    const message = authorization();
    const signature = await payer.signTypedData({
      domain: domain(),
      types,
      primaryType: 'ReceiveWithAuthorization',
      message,
    });
    const args = [...fields(message), ...(form === 'bytes' ? [signature] : vrs(signature))];
    await expect(send('receiveWithAuthorization', args)).rejects.toThrow('caller must be the payee');
    expect(await send('receiveWithAuthorization', args, payTo)).toEqual(['AuthorizationUsed', 'Transfer']);
  });

  it.each(['(v, r, s)', 'bytes'])('cancelAuthorization (%s) voids an authorization', async (form) => {
    const message = authorization();
    const signature = await payer.signTypedData({
      domain: domain(),
      types,
      primaryType: 'CancelAuthorization',
      message: { authorizer: payer.address, nonce: message.nonce },
    });
    const args = [payer.address, message.nonce, ...(form === 'bytes' ? [signature] : vrs(signature))];
    expect(await send('cancelAuthorization', args)).toEqual(['AuthorizationCanceled']);
    await expect(transfer(message, await signTransfer(message))).rejects.toThrow('used or canceled');
  });

  it.each(['(v, r, s)', 'bytes'])('permit (%s) approves once', async (form) => {
    const spender = facilitator.address;
    const nonce = (await read('nonces', [payer.address])) as bigint;
    const message = { owner: payer.address, spender, value: 5n, nonce, deadline: now() + 600n };
    const signature = await payer.signTypedData({ domain: domain(), types, primaryType: 'Permit', message });
    const tail = form === 'bytes' ? [signature] : vrs(signature);
    const args = [payer.address, spender, 5n, message.deadline, ...tail];
    expect(await send('permit', args)).toEqual(['Approval']);
    expect(await read('allowance', [payer.address, spender])).toBe(5n);
    await expect(send('permit', args)).rejects.toThrow('EIP2612: invalid signature');
    await expect(send('permit', [payer.address, spender, 5n, 1n, ...tail])).rejects.toThrow('permit is expired');
  });

  it('takes the raw digest for no message of its own', async () => {
    const message = authorization();
    const raw = await sign({ hash: message.nonce, privateKey: DEV_WALLETS.payer.privateKey, to: 'hex' });
    await expect(transfer(message, raw)).rejects.toThrow('invalid signature');
  });
});
