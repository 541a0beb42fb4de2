import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { x402Facilitator } from '@x402/core/facilitator';
import { toFacilitatorEvmSigner } from '@x402/evm';
import { registerExactEvmScheme } from '@x402/evm/exact/facilitator';
import { createWalletClient, http, nonceManager, publicActions } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { baseSepolia } from 'viem/chains';
import { DEV_WALLETS, type LocalChain } from '../../src/local/chain';

/** How it misbehaves, when it is asked to settle unless said otherwise. */
export type Mood =
  | 'good'
  /** It neither verifies nor settles. */
  | 'away'
  /** The connection breaks, before or after the money moved. */
  | 'gone before'
  | 'gone after'
  /** The money moved, and it never says so. */
  | 'silent after'
  /** It says that this transaction was it, and moves nothing. */
  | { readonly claims: string }
  /** It refuses with this status. */
  | { readonly status: number; readonly errorReason: string };

/** A hosted facilitator, made of the stock package. */
export interface HostedFacilitator {
  readonly url: string;
  mood: Mood;
  /** Paths that were asked for. */
  readonly asked: string[];
  stop(): Promise<void>;
}

export async function startFacilitator({ rpcUrl, chainId }: LocalChain): Promise<HostedFacilitator> {
  const account = privateKeyToAccount(DEV_WALLETS.payer.privateKey, { nonceManager });
  const wallet = createWalletClient({
    account,
    chain: baseSepolia,
    transport: http(rpcUrl),
    pollingInterval: 50,
  }).extend(publicActions);
  const signer = toFacilitatorEvmSigner({ ...wallet, address: account.address } as unknown as Parameters<
    typeof toFacilitatorEvmSigner
  >[0]);
  const stock = registerExactEvmScheme(new x402Facilitator(), { signer, networks: `eip155:${chainId}` });
  const server = createServer((request, response) => {
    const serve = async (): Promise<void> => {
      const given = await answer(request).catch(() => undefined);
      if (!given) request.socket.destroy();
      else response.writeHead(given.status, { 'content-type': 'application/json' }).end(JSON.stringify(given.body));
    };
    void serve();
  });
  const answer = async (request: IncomingMessage): Promise<{ status: number; body: unknown }> => {
    facilitator.asked.push(request.url ?? '');
    const parts: Buffer[] = [];
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part);
    const { paymentPayload, paymentRequirements } = JSON.parse(Buffer.concat(parts).toString());
    const { mood } = facilitator;
    if (mood === 'away') throw new Error('away');
    if (request.url === '/verify')
      return { status: 200, body: await stock.verify(paymentPayload, paymentRequirements) };
    const { network } = paymentRequirements;
    if (mood === 'gone before') throw new Error('gone');
    if (typeof mood === 'object' && 'claims' in mood) {
      return {
        status: 200,
        body: { success: true, transaction: mood.claims, network, payer: DEV_WALLETS.payTo.address },
      };
    }
    if (typeof mood === 'object') {
      const body = { success: false, errorReason: mood.errorReason, transaction: '', network };
      return { status: mood.status, body };
    }
    const settled = await stock.settle(paymentPayload, paymentRequirements);
    if (mood === 'gone after') throw new Error('gone');
    if (mood === 'silent after') await new Promise(() => undefined);
    return { status: 200, body: settled };
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const facilitator: HostedFacilitator = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mood: 'good',
    asked: [],
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return facilitator;
}
