import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Address,
  createPublicClient,
  createTestClient,
  createWalletClient,
  type Hex,
  http,
  parseAbi,
  parseAbiItem,
  publicActions,
} from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { type ChainOptions, DEV_WALLETS, fundEth, type LocalChain, mintUsdc, startChain } from '../../src/local/chain';

/** A chain with our USDC on it, and the variables with which the application settles there. */
export async function startTestChain(
  options: ChainOptions = {},
): Promise<{ chain: LocalChain; env: Record<string, string> }> {
  const chain = await startChain(options);
  await fundEth(chain.rpcUrl, DEV_WALLETS.facilitator.address, 10n ** 20n);
  return { chain, env: chainEnvironment(chain) };
}

export const chainEnvironment = (chain: LocalChain): Record<string, string> => ({
  X402_NETWORK: `eip155:${chain.chainId}`,
  X402_PAY_TO: DEV_WALLETS.payTo.address,
  X402_ASSET: chain.usdc,
  EVM_RPC_URL: chain.rpcUrl,
  EVM_PRIVATE_KEY: DEV_WALLETS.facilitator.privateKey,
});

/** A fresh wallet with this much USDC, in micro-USDC, and no ETH. */
export async function payerWith(chain: LocalChain, atoms: bigint) {
  const account = privateKeyToAccount(generatePrivateKey());
  if (atoms > 0n) await mintUsdc(chain.rpcUrl, account.address, atoms);
  return account;
}

/** This much USDC to each, in micro-USDC: minted in one go, so that slow blocks are waited for once. */
export async function mintTo(
  { rpcUrl, usdc }: LocalChain,
  addresses: readonly Address[],
  atoms: bigint,
): Promise<void> {
  const chain = createPublicClient({ transport: http(rpcUrl), pollingInterval: 100 });
  const [minter] = (await createWalletClient({ transport: http(rpcUrl) }).getAddresses()).slice(-1) as [Address];
  const wallet = createWalletClient({ account: minter, transport: http(rpcUrl) });
  const first = await chain.getTransactionCount({ address: minter, blockTag: 'pending' });
  const abi = parseAbi(['function mint(address to, uint256 amount)']);
  const mint = (to: Address, nonce: number) =>
    wallet.writeContract({
      address: usdc,
      abi,
      functionName: 'mint',
      args: [to, atoms],
      nonce,
      gas: 100_000n,
      chain: null,
    });
  const hashes: Hex[] = [];
  for (const [index, address] of addresses.entries()) hashes.push(await mint(address, first + index));
  await Promise.all(hashes.map((hash) => chain.waitForTransactionReceipt({ hash })));
}

/** Waits until this instant (Unix seconds) has passed, and has a block say so. */
export async function pastOnChain({ rpcUrl }: LocalChain, seconds: number): Promise<void> {
  await sleep(Math.max(0, (seconds + 1) * 1000 - Date.now()));
  const chain = createTestClient({ mode: 'anvil', transport: http(rpcUrl) }).extend(publicActions);
  await chain.mine({ blocks: 1 });
  // After a reorganisation anvil's clock is slow.
  if ((await chain.getBlock()).timestamp > BigInt(seconds)) return;
  await chain.setNextBlockTimestamp({ timestamp: BigInt(seconds + 1) });
  await chain.mine({ blocks: 1 });
}

/** Σ of the `Transfer` events to `payTo`: what the chain says was received. */
export async function receivedOnChain(chain: LocalChain): Promise<bigint> {
  const logs = await chainClient(chain).getLogs({
    address: chain.usdc,
    event: parseAbiItem('event Transfer(address indexed from, address indexed to, uint256 value)'),
    args: { to: DEV_WALLETS.payTo.address },
    fromBlock: 0n,
  });
  return logs.reduce((sum, log) => sum + (log.args.value ?? 0n), 0n);
}

export const usdcBalance = (chain: LocalChain, address: `0x${string}`): Promise<bigint> =>
  chainClient(chain).readContract({
    address: chain.usdc,
    abi: parseAbi(['function balanceOf(address) view returns (uint256)']),
    functionName: 'balanceOf',
    args: [address],
  });

const chainClient = (chain: LocalChain) => createPublicClient({ transport: http(chain.rpcUrl) });
