import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPublicClient, createTestClient, createWalletClient, http, type Address, type Hex } from 'viem';
import { getChainId } from 'viem/actions';
import { findAnvil } from './anvil';
import { readArtifact } from './artifacts';
import { CONTRACTS, furnish } from './chain-contracts';
import { openState } from './chain-state';
import { findFreePort, GuardedProcess, waitUntil } from './guarded-process';
import { LocalProcessError } from './local-process.error';

/** Base Sepolia: x402 clients accept its USDC by default, and refuse the same token on chain 31337. */
const CHAIN_ID = 84532;

/** Blocks come with transactions; without any, one a minute keeps the clock that reads see from falling behind. */
const HEARTBEAT_SECONDS = 60;
/** What a crash of anvil itself may lose. */
const STATE_INTERVAL_SECONDS = 2;

export interface LocalChain {
  readonly rpcUrl: string;
  readonly chainId: number;
  readonly usdc: typeof CONTRACTS.Usdc;
  /** Writes the state and ends the process. */
  stop(): Promise<void>;
}

export interface ChainOptions {
  /** A file that carries the chain over restarts; without it the chain is forgotten at the end. */
  readonly statePath?: string | undefined;
  /** Mine every so many seconds, as a real chain does. Default: a block per transaction, at once. */
  readonly blockTimeSeconds?: number | undefined;
  /** Default: Base Sepolia's. */
  readonly chainId?: number | undefined;
  /** Default: a free one. */
  readonly port?: number | undefined;
  readonly log?: ((line: string) => void) | undefined;
}

/**
 * An EVM chain on this machine that passes for Base Sepolia: its chain id, our test USDC at its USDC address and our
 * stand-ins for Multicall3, Permit2 and the x402 contracts at theirs, so that x402 clients pay with their default
 * settings. Orphans of a crashed run on the same state file are ended first.
 *
 * @throws LocalProcessError `package_missing`, `already_running`, `did_not_start`, ...
 */
export async function startChain(options: ChainOptions = {}): Promise<LocalChain> {
  const { log = () => undefined, chainId = CHAIN_ID } = options;
  const scratch = mkdtempSync(join(tmpdir(), 'tollbridge-anvil-')); // where anvil may spill what it caches
  const removeScratch = () => rmSync(scratch, { recursive: true, force: true });
  try {
    const anvil = findAnvil(scratch);
    const state = options.statePath === undefined ? undefined : await openState(options.statePath, log);
    const args = [
      ...['--chain-id', String(chainId), '--host', '127.0.0.1', '--quiet', '--cache-path', scratch],
      ...(options.blockTimeSeconds === undefined
        ? ['--block-time', String(HEARTBEAT_SECONDS), '--mixed-mining']
        : ['--block-time', String(options.blockTimeSeconds)]),
      ...(state ? ['--state', state.path, '--state-interval', String(STATE_INTERVAL_SECONDS)] : []),
    ];
    const beside = state?.path ?? join(scratch, 'anvil');
    const { server, rpcUrl } = await startOnPort(chainId, options.port, (port) =>
      GuardedProcess.start({
        command: anvil,
        args: [...args, '--port', String(port)],
        env: { PATH: process.env.PATH ?? '', HOME: scratch },
        logFile: `${beside}.log`,
        ownerFile: `${beside}.owner`,
        temporaryDir: scratch,
      }),
    );
    const stop = async () => {
      state?.close();
      await server.stop();
      removeScratch();
    };
    try {
      await furnish(rpcUrl);
    } catch (error) {
      await stop();
      throw error;
    }
    state?.keepCopies();
    return { rpcUrl, chainId, usdc: CONTRACTS.Usdc, stop };
  } catch (error) {
    removeScratch();
    throw error;
  }
}

/**
 * Gives `to` test USDC out of nothing and waits until it is there (up to one block time).
 *
 * @param atoms Millionths of a USDC, 0 or more.
 * @returns the transaction's hash.
 */
export async function mintUsdc(rpcUrl: string, to: Address, atoms: bigint): Promise<Hex> {
  const transport = http(rpcUrl);
  const wallet = createWalletClient({ account: MINTER_ADDRESS, transport });
  const hash = await wallet.writeContract({
    address: CONTRACTS.Usdc,
    abi: readArtifact('Usdc').abi,
    functionName: 'mint',
    args: [to, atoms],
    chain: null,
  });
  const reader = createPublicClient({ transport, pollingInterval: 50 });
  await reader.waitForTransactionReceipt({ hash });
  return hash;
}

/** Sets (does not add to) the gas money of `to`, in wei. */
export async function fundEth(rpcUrl: string, to: Address, wei: bigint): Promise<void> {
  await testClient(rpcUrl).setBalance({ address: to, value: wei });
}

/**
 * Who is who on the local chain. These are anvil's first three accounts, of the mnemonic "test test … junk": their
 * private keys are published in every Ethereum handbook, so they must never hold anything on a real chain. anvil gives
 * each 10 000 ETH; USDC they have once it is minted.
 */
export const DEV_WALLETS: Readonly<Record<'facilitator' | 'payTo' | 'payer', DevWallet>> = {
  /** The hot wallet: sends settlements and pays their gas. */
  facilitator: {
    address: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266',
    privateKey: '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
  },
  /** Only ever receives. */
  payTo: {
    address: '0x70997970C51812dc3A010C7d01b50e0d17dc79C8',
    privateKey: '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
  },
  /** A customer's wallet. */
  payer: {
    address: '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC',
    privateKey: '0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a',
  },
};

export interface DevWallet {
  readonly address: Address;
  readonly privateKey: Hex;
}

/** anvil's tenth account, which anvil signs for: mints, so that the nonces of the wallets above stay their owners'. */
const MINTER_ADDRESS: Address = '0xa0Ee7A142d267C1f36714E4a8F75612F20a79720';

async function startOnPort(
  chainId: number,
  wanted: number | undefined,
  start: (port: number) => GuardedProcess,
): Promise<{ server: GuardedProcess; rpcUrl: string }> {
  for (let attempt = 1; ; attempt++) {
    // Asked for before a wanted port too: whoever holds it might answer in anvil's place.
    const port = await findFreePort(wanted);
    const rpcUrl = `http://127.0.0.1:${port}`;
    const server = start(port);
    try {
      await waitUntil('Starting anvil', 30_000, async () => server.hasExited || (await answers(rpcUrl, chainId)));
    } catch (error) {
      await server.stop();
      throw error;
    }
    if (!server.hasExited) return { server, rpcUrl };
    const said = server.logTail();
    if (attempt < 5 && /in use/i.test(said)) continue;
    throw new LocalProcessError(
      'did_not_start',
      `anvil ended at once:\n${said}\n`,
      'If it cannot read its state file, deleting that file makes a new chain.',
    );
  }
}

async function answers(rpcUrl: string, chainId: number): Promise<boolean> {
  try {
    return (await getChainId(testClient(rpcUrl))) === chainId;
  } catch {
    return false;
  }
}

function testClient(rpcUrl: string) {
  return createTestClient({ mode: 'anvil', transport: http(rpcUrl, { retryCount: 0, timeout: 10_000 }) });
}
