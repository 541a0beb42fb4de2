import { createTestClient, http, type Address } from 'viem';
import { readArtifact } from './artifacts';

/**
 * Where payment clients look for each contract of `contracts/`: the addresses are constants of `@x402/evm`, the same on
 * every chain, and USDC is the one of Base Sepolia.
 */
export const CONTRACTS = {
  Usdc: '0x036CbD53842c5426634e7929541eC2318f3dCF7e',
  Multicall3: '0xcA11bde05977b3631167028862bE2a173976CA11',
  Permit2: '0x000000000022D473030F116dDEE9F6B43aC78BA3',
  X402ExactPermit2Proxy: '0x402085c248EeA27D92E8b30b2C58ed07f9E20001',
  X402UptoPermit2Proxy: '0x4020A4f3b7b90ccA423B9fabCc0CE57C6C240002',
  X402BatchSettlement: '0x4020074e9dF2ce1deE5A9C1b5c3f541D02a10003',
  Erc3009DepositCollector: '0x4020806089470a89826cB9fB1f4059150b550004',
  Permit2DepositCollector: '0x4020425FAf3B746C082C2f942b4E5159887B0005',
} as const satisfies Readonly<Record<string, Address>>;

/**
 * Puts the contracts in place at every start, so that a kept state follows a changed contract, and mines a block:
 * `eth_call` sees the time of the last block (on a new anvil: second 1), and an authorization signed now would be "not
 * yet valid" when a facilitator simulates it.
 */
export async function furnish(rpcUrl: string): Promise<void> {
  const client = createTestClient({ mode: 'anvil', transport: http(rpcUrl, { batch: true, retryCount: 0 }) });
  await Promise.all(
    Object.entries(CONTRACTS).map(([name, address]) =>
      client.setCode({ address, bytecode: readArtifact(name).runtimeBytecode }),
    ),
  );
  await client.mine({ blocks: 1 });
}
