import { Inject, Injectable } from '@nestjs/common';
import { createPublicClient, defineChain, fallback, http, type PublicClient } from 'viem';
import { CONFIG } from '../config/config.module';
import type { Config } from '../config/config';
import type { NetworkConfig } from '../config/network-config';

/** How often a receipt is asked for. Base makes a block every 2 s; a local chain mines at once. */
const POLLING_MS = 200;

/** The chain that payments are settled on: reading only. */
@Injectable()
export class EvmClient {
  readonly public: PublicClient;
  readonly chainId: number;

  constructor(@Inject(CONFIG) config: Config) {
    const network = config.x402?.networks[0] ?? NOWHERE;
    this.chainId = chainIdOf(network.id);
    this.public = readerOf(network);
  }
}

/** Reads a chain at its nodes: the next one answers when one does not. Questions of one tick are one request. */
export function readerOf({ id, rpcUrls }: Pick<NetworkConfig, 'id' | 'rpcUrls'>): PublicClient {
  const nodes = rpcUrls.map((url) => http(url, { batch: true, timeout: 20_000, retryCount: 2 }));
  return createPublicClient({
    chain: defineChain({
      id: chainIdOf(id),
      name: id,
      nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
      rpcUrls: { default: { http: [...rpcUrls] } },
    }),
    transport: nodes.length === 1 && nodes[0] ? nodes[0] : fallback(nodes),
    pollingInterval: POLLING_MS,
    cacheTime: 0,
  });
}

const chainIdOf = (id: string): number => Number(id.split(':')[1]);

/** Without a chain in the configuration nothing asks this client. */
const NOWHERE: Pick<NetworkConfig, 'id' | 'rpcUrls'> = { id: 'eip155:1', rpcUrls: ['http://127.0.0.1:9'] };
