import {
  BaseError,
  ContractFunctionRevertedError,
  createTestClient,
  http,
  parseEventLogs,
  parseSignature,
  publicActions,
  serializeSignature,
  walletActions,
  type Abi,
  type Address,
  type Hex,
  type LocalAccount,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { baseSepolia } from 'viem/chains';
import { readArtifact } from './artifacts';
import { DEV_WALLETS, startChain } from './chain';
import { CONTRACTS } from './chain-contracts';

export const payer = privateKeyToAccount(DEV_WALLETS.payer.privateKey);
export const payTo = privateKeyToAccount(DEV_WALLETS.payTo.privateKey);
export const facilitator = privateKeyToAccount(DEV_WALLETS.facilitator.privateKey);

type Name = keyof typeof CONTRACTS;
type Args = readonly unknown[];

/** A chain with the contracts of `contracts/`, and short ways to call them. */
export async function openContracts() {
  const chain = await startChain();
  const client = createTestClient({
    mode: 'anvil',
    chain: baseSepolia,
    transport: http(chain.rpcUrl),
    pollingInterval: 20,
  })
    .extend(publicActions)
    .extend(walletActions);
  const call = (name: Name, functionName: string, args: Args) => ({
    address: CONTRACTS[name],
    abi: abiOf(name),
    functionName,
    args,
  });

  return {
    chain,
    client,
    read: <T>(name: Name, functionName: string, args: Args = []) =>
      client.readContract(call(name, functionName, args)) as Promise<T>,

    /** Sends it from `account` and waits until it is mined. Throws when it reverts. */
    send: async (account: LocalAccount, name: Name, functionName: string, args: Args) => {
      const hash = await client.writeContract({ ...call(name, functionName, args), account });
      const receipt = await client.waitForTransactionReceipt({ hash });
      const events = parseEventLogs({ abi: abiOf(name), logs: receipt.logs }) as unknown as { eventName: string }[];
      return { receipt, events: events.map((event) => event.eventName) };
    },

    /** What it would revert with, as of the last block; undefined when it would not. */
    refusal: async (account: LocalAccount, name: Name, functionName: string, args: Args) => {
      try {
        await client.simulateContract({ ...call(name, functionName, args), account });
        return undefined;
      } catch (error) {
        const reverted = (error as BaseError).walk((cause) => cause instanceof ContractFunctionRevertedError);
        if (!(reverted instanceof ContractFunctionRevertedError)) throw error;
        return reverted.data?.errorName === 'Error' ? reverted.reason : reverted.data?.errorName;
      }
    },

    /** A contract wallet whose owner is `owner`. */
    deployWallet: async (owner: Address): Promise<Address> => {
      const { abi, bytecode } = readArtifact('ContractWallet');
      const hash = await client.deployContract({ abi, bytecode, args: [owner], account: facilitator });
      const { contractAddress } = await client.waitForTransactionReceipt({ hash });
      return contractAddress as Address;
    },

    /** Mines a block of that time, in unix seconds: the one `refusal` then sees. */
    mineAt: async (timestamp: bigint) => {
      await client.setNextBlockTimestamp({ timestamp });
      await client.mine({ blocks: 1 });
    },
    now: async () => (await client.getBlock()).timestamp,
    balance: (owner: Address) => client.readContract({ ...call('Usdc', 'balanceOf', [owner]) }) as Promise<bigint>,
  };
}

export type Contracts = Awaited<ReturnType<typeof openContracts>>;

/** The contract's own, and the reverts of the contracts that it calls. */
function abiOf(name: Name): Abi {
  const own = readArtifact(name).abi;
  const foreign = (Object.keys(CONTRACTS) as Name[])
    .filter((other) => other !== name)
    .flatMap((other) => readArtifact(other).abi.filter(({ type }) => type === 'error'));
  return [...own, ...foreign];
}

/** The payer's EIP-2612 approval of Permit2 for `value` atoms. */
export async function approvePermit2(contracts: Contracts, value: bigint) {
  const deadline = (await contracts.now()) + 600n;
  const signature = await payer.signTypedData({
    domain: { name: 'USDC', version: '2', chainId: contracts.chain.chainId, verifyingContract: CONTRACTS.Usdc },
    types: {
      Permit: [
        { name: 'owner', type: 'address' },
        { name: 'spender', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'nonce', type: 'uint256' },
        { name: 'deadline', type: 'uint256' },
      ],
    },
    primaryType: 'Permit',
    message: {
      owner: payer.address,
      spender: CONTRACTS.Permit2,
      value,
      nonce: await contracts.read<bigint>('Usdc', 'nonces', [payer.address]),
      deadline,
    },
  });
  const { r, s, v } = parseSignature(signature);
  return { value, deadline, v: Number(v), r, s };
}

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n; // of secp256k1

/** What else could be taken for `signature` by a contract that is not strict, by what is wrong with it. */
export function forgeries(signature: Hex): Readonly<Record<string, Hex>> {
  const { r, s, yParity } = parseSignature(signature);
  const otherS: Hex = `0x${(ORDER - BigInt(s)).toString(16).padStart(64, '0')}`;
  return {
    'the high-s twin': serializeSignature({ r, s: otherS, yParity: yParity === 0 ? 1 : 0 }),
    'v of 0 or 1': `${signature.slice(0, -2)}0${yParity}` as Hex,
    'the other v': serializeSignature({ r, s, yParity: yParity === 0 ? 1 : 0 }),
    'r and s swapped': serializeSignature({ r: s, s: r, yParity }),
    'half of it': signature.slice(0, 66) as Hex, // a byte less would be the short form of EIP-2098
    'a byte more': `${signature}00`,
    nothing: '0x',
  };
}
