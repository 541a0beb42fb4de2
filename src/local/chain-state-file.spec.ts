import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPublicClient, erc20Abi, http } from 'viem';
import { privateKeyToAddress } from 'viem/accounts';
import { baseSepolia } from 'viem/chains';
import { DEV_WALLETS, mintUsdc, startChain, type LocalChain } from './chain';
import { startElsewhere } from './crash.fixture';
import { waitUntil } from './guarded-process';

const payTo = privateKeyToAddress(DEV_WALLETS.payTo.privateKey);

describe('the state file of the local chain', () => {
  const sandbox = mkdtempSync(join(tmpdir(), 'tollbridge-chain-spec-'));
  const statePath = join(sandbox, 'chain', 'state.json');
  afterAll(() => rmSync(sandbox, { recursive: true, force: true }));

  const clientOf = ({ rpcUrl }: LocalChain) =>
    createPublicClient({ chain: baseSepolia, transport: http(rpcUrl), cacheTime: 0 });
  const received = (chain: LocalChain) =>
    clientOf(chain).readContract({ address: chain.usdc, abi: erc20Abi, functionName: 'balanceOf', args: [payTo] });

  it('keeps balances, nonces and receipts over a restart', async () => {
    const first = await startChain({ statePath });
    const hash = await mintUsdc(first.rpcUrl, payTo, 77n);
    await expect(startChain({ statePath })).rejects.toMatchObject({ code: 'already_running' });
    await first.stop();

    const second = await startChain({ statePath });
    try {
      expect(await received(second)).toBe(77n);
      expect((await clientOf(second).getTransactionReceipt({ hash })).status).toBe('success');
    } finally {
      await second.stop();
    }
  });

  it('ends an orphan whose starter crashed, and goes on from its state', async () => {
    const elsewhere = await startElsewhere<LocalChain>('chain', 'startChain', { statePath });
    await mintUsdc(elsewhere.result.rpcUrl, payTo, 1n);
    const [, orphan] = readFileSync(`${statePath}.owner`, 'utf8').trim().split(' ').map(Number);
    process.kill(orphan ?? 0, 'SIGSTOP');
    await elsewhere.crash();

    const next = await startChain({ statePath });
    try {
      expect(await received(next)).toBe(78n);
    } finally {
      await next.stop();
    }
  });

  it('falls back to its copy when the file was cut off', async () => {
    truncateSync(statePath, 1_000);
    const lines: string[] = [];
    const next = await startChain({ statePath, log: (line) => lines.push(line) });
    try {
      expect(lines).toEqual([expect.stringContaining('cut off')]);
      expect(await received(next)).toBe(78n);
    } finally {
      await next.stop();
    }
  });

  it('mines on the clock when asked to, and says so when a port is taken', async () => {
    const ticking = await startChain({ blockTimeSeconds: 1 });
    try {
      const client = clientOf(ticking);
      const height = await client.getBlockNumber();
      await waitUntil('a block', 5_000, async () => (await client.getBlockNumber()) > height);
      const port = Number(new URL(ticking.rpcUrl).port);
      await expect(startChain({ port })).rejects.toMatchObject({ code: 'port_taken' });
    } finally {
      await ticking.stop();
    }
  });
});
