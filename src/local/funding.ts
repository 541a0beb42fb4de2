import { type Address, createPublicClient, erc20Abi, type Hex, http, parseEther } from 'viem';
import { privateKeyToAddress } from 'viem/accounts';
import { fundEth, type LocalChain, mintUsdc } from './chain';

const GAS_MONEY = parseEther('10000');

/**
 * Gives the facilitator gas money, and brings the payer's balance up to `atoms` (millionths of a USDC); what is above
 * stays. So the parties are as rich at every start, and a chain that was kept is not inflated.
 */
export async function fundParties(
  chain: LocalChain,
  { facilitatorKey, payer, atoms }: { facilitatorKey: string; payer: Address; atoms: bigint },
): Promise<void> {
  await fundEth(chain.rpcUrl, privateKeyToAddress(facilitatorKey as Hex), GAS_MONEY);
  const reader = createPublicClient({ transport: http(chain.rpcUrl) });
  const args = [payer] as const;
  const balance = await reader.readContract({ address: chain.usdc, abi: erc20Abi, functionName: 'balanceOf', args });
  if (balance < atoms) await mintUsdc(chain.rpcUrl, payer, atoms - balance);
}
